package boltstore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	bolt "go.etcd.io/bbolt"

	"larder/internal/store"
)

// byChange walks the order of change from the place before which nothing was
// modified since then. Within, times need not grow: an installed entry brings
// its own.
func (p *pager) byChange() error {
	bucket := tableBucket(p.tx, changesArea, p.scan.Table)
	if bucket == nil {
		return nil
	}
	cursor := bucket.Cursor()
	start, err := p.changeStart(cursor)
	if err != nil {
		return err
	}
	since := int64(minMicros)
	if !p.scan.ModifiedSince.IsZero() {
		since = ceilMicros(p.scan.ModifiedSince)
	}
	for k, v := cursor.Seek(sequenceKey(start)); k != nil; k, v = cursor.Next() {
		if p.pace.ended() {
			return p.pace.err()
		}
		c, err := readChange(k, v)
		if err != nil {
			return err
		}
		more, err := p.consider(c.key, func(r *record) bool { return c.isLatest(r, true) && r.updated >= since }, func() string {
			return strconv.FormatInt(c.sequence, 10)
		})
		if err != nil || !more {
			return err
		}
	}
	p.page.Next = ""
	return nil
}

// changeStart is the sequence that a scan by change begins with.
func (p *pager) changeStart(cursor *bolt.Cursor) (int64, error) {
	var start int64
	if p.scan.After != "" {
		after, err := strconv.ParseInt(p.scan.After, 10, 64)
		if err != nil || after < 0 {
			return 0, invalidAfter()
		}
		start = after + 1
	}
	if p.scan.ModifiedSince.IsZero() {
		return start, nil
	}
	since, err := changedSince(cursor, ceilMicros(p.scan.ModifiedSince))
	return max(start, since), err
}

// changedSince finds the first sequence whose place in time is since or later,
// by halving: the times in the order of change only grow.
func changedSince(cursor *bolt.Cursor, since int64) (int64, error) {
	last, _ := cursor.Last()
	if last == nil {
		return 0, nil
	}
	high, err := sequenceOf(last)
	if err != nil {
		return 0, err
	}
	low := int64(0)
	high++
	for low < high {
		middle := low + (high-low)/2
		k, v := cursor.Seek(sequenceKey(middle))
		if k == nil {
			high = middle
			continue
		}
		c, err := readChange(k, v)
		if err != nil {
			return 0, err
		}
		if c.position < since {
			low = c.sequence + 1
		} else {
			high = middle
		}
	}
	return low, nil
}

// byExpiry walks the order of expiry from now on.
func (p *pager) byExpiry() error {
	bucket := tableBucket(p.tx, expiryArea, p.scan.Table)
	if bucket == nil {
		return nil
	}
	start := binary.BigEndian.AppendUint64(nil, orderedMicros(p.now+1))
	if p.scan.After != "" {
		after, err := parseExpiryPlace(p.scan.After)
		if err != nil {
			return err
		}
		if bytes.Compare(after, start) > 0 {
			start = slices.Concat(after, []byte{0})
		}
	}
	before := int64(maxMicros)
	if !p.scan.ExpiringBefore.IsZero() {
		before = ceilMicros(p.scan.ExpiringBefore)
	}
	cursor := bucket.Cursor()
	for k, _ := cursor.Seek(start); k != nil; k, _ = cursor.Next() {
		if p.pace.ended() {
			return p.pace.err()
		}
		ends, key, err := splitTimedKey(k)
		if err != nil {
			return err
		}
		if ends >= before {
			break
		}
		more, err := p.consider(key, func(*record) bool { return true }, func() string { return expiryPlace(ends, key) })
		if err != nil || !more {
			return err
		}
	}
	p.page.Next = ""
	return nil
}

// consider takes an entry that an order has led to, if the scan covers it. Until
// the walk ends, Next is where the page would have to go on; more is false once
// that is certain.
func (p *pager) consider(key []byte, wanted func(*record) bool, place func() string) (more bool, err error) {
	name := string(key)
	if !p.scan.Covers(name) {
		return true, nil
	}
	ref := store.Ref{Table: p.scan.Table, Key: name}
	r, found, err := loadRecord(p.tx, ref)
	switch {
	case err != nil:
		return false, err
	case !found || !r.exists(p.now) || !wanted(&r):
		return true, nil
	case p.full():
		return false, nil
	}
	p.add(ref, &r)
	p.page.Next = place()
	return true, nil
}

// Bounds that are beyond all times in a file.
const (
	minMicros = -1 << 62
	maxMicros = 1<<62 - 1
)

// expiryPlace is a place in the order of expiry, as text.
func expiryPlace(ends int64, key []byte) string { return fmt.Sprintf("%d:%s", ends, key) }

func parseExpiryPlace(place string) ([]byte, error) {
	ends, key, found := strings.Cut(place, ":")
	n, err := strconv.ParseInt(ends, 10, 64)
	if err != nil || !found {
		return nil, invalidAfter()
	}
	return timedKey(n, key), nil
}

func invalidAfter() error {
	return &store.Error{Code: store.InvalidCursor, Field: "cursor", Detail: "the cursor is not one of a scan in this order"}
}
