package redisstore

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"larder/internal/store"
)

// A cursor is the store's id and the place that has been read up to:
// "0123456789ab.1764133200000000". One of a reader that began at the beginning and
// has not come to where the feed then ended has the sequence of that behind it: it
// need not know of deletions that were forgotten before.

// cursorSince is the cursor of a reader that began when began was the feed's last
// sequence.
func cursorSince(id string, p place, began int64) store.Cursor {
	text := id + "." + p.String()
	if began > p.sequence {
		text += "." + strconv.FormatInt(began, 10)
	}
	return store.Cursor(text)
}

// parseCursor takes a cursor apart.
func parseCursor(c store.Cursor) (id string, p place, began int64, err error) {
	id, rest, _ := strings.Cut(string(c), ".")
	at, end, reading := strings.Cut(rest, ".")
	p, ok := parsePlace(at)
	if ok && reading {
		began, err = strconv.ParseInt(end, 10, 64)
	}
	_, notHex := hex.DecodeString(id)
	if !ok || err != nil || notHex != nil || len(id) != idBytes || cursorSince(id, p, began) != c {
		return "", place{}, 0, &store.Error{Code: store.InvalidCursor, Field: "cursor", Detail: "this is not a cursor of a change feed"}
	}
	return id, p, began, nil
}

// idBytes is the length of an id, in hex.
const idBytes = 12

// idOf is the id of a store whose shards have these: another one as soon as one of
// them has begun anew.
func idOf(shards []string) string {
	if len(shards) == 1 {
		return shards[0]
	}
	sum := sha256.Sum256([]byte(strings.Join(shards, " ")))
	return hex.EncodeToString(sum[:])[:idBytes]
}

// compacted is the error for a cursor that can't be gone on from.
func compacted() error {
	return &store.Error{
		Code: store.Compacted, Field: "cursor",
		Detail: "deletions after this cursor are no longer known; read the table anew and follow the feed from there",
	}
}

// feedChange is a change as a shard's feed has it.
type feedChange struct {
	place  place
	ref    store.Ref
	record record
}

func sortChanges(all []feedChange) {
	slices.SortFunc(all, func(a, b feedChange) int { return a.place.compare(b.place) })
}
