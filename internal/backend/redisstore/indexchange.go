package redisstore

import (
	"bytes"
	"context"

	"github.com/redis/rueidis"

	"larder/internal/backend/sortedindex"
	"larder/internal/store"
	"larder/internal/value"
)

// indexChange is what becomes of an entry in one index.
type indexChange struct {
	index  *index
	remove []byte // member; nil: none
	add    []byte
	alone  []byte // fields that no other entry may have; nil: any may
}

// indexChanges are those that come with a write. An index that is being built is kept
// up too. One that is about to hold its first field that is cut is marked for that
// before, and then all is to be read again.
func (c *commit) indexChanges(ctx context.Context, i int, w *write) ([]indexChange, error) {
	table := c.found.tables[c.found.tableOf[i]]
	catalog, err := c.s.catalogOf(ctx, c.link, c.shard, table, c.found.states[c.found.tableOf[i]].generation)
	if err != nil || len(catalog.indexes) == 0 {
		return nil, err
	}
	old, err := storedValue(c.found.records[i])
	if err != nil {
		return nil, c.s.damage(err)
	}
	var changes []indexChange
	for _, x := range catalog.indexes {
		was, is := x.Place(old), x.Place(w.entry.Value)
		if is.Long && !x.long && !c.dry {
			if err := c.s.lengthen(ctx, c.link, c.shard, table, catalog, x); err != nil {
				return nil, err
			}
			return nil, errMoved
		}
		change := indexChange{index: x}
		moves := was.Indexed != is.Indexed || !bytes.Equal(was.Fields, is.Fields)
		if was.Indexed && moves {
			change.remove = sortedindex.Join(was.Fields, c.found.refs[i].Key)
		}
		if is.Indexed && (moves || !x.ready) {
			change.add = sortedindex.Join(is.Fields, c.found.refs[i].Key)
		}
		if is.Whole && x.Def.Unique {
			change.alone = is.Fields
		}
		if change.remove != nil || change.add != nil || change.alone != nil {
			changes = append(changes, change)
		}
	}
	return changes, nil
}

// storedValue is the value that indexes have an entry under, one that has expired
// too; a zero one for none.
func storedValue(held []byte) (value.Value, error) {
	if held == nil {
		return value.Value{}, nil
	}
	r, err := decodeRecord(held)
	if err != nil || r.deleted() {
		return value.Value{}, err
	}
	v := value.Value{Data: r.value}
	if r.flags&flagBytes != 0 {
		v.Encoding = value.Bytes
	}
	return v, nil
}

// brokenBy says which entry agrees with which other in a unique index.
type brokenBy struct {
	at     int // in the commit's entries
	index  *index
	holder string
}

func (b *brokenBy) read(answer []rueidis.RedisMessage, sets *setPlaces) error {
	at, err := answer[0].AsInt64()
	if err != nil {
		return err
	}
	place, err := answer[1].AsInt64()
	if err != nil {
		return err
	}
	b.at, b.index = int(at)-1, sets.of[int(place)]
	b.holder, err = answer[2].ToString()
	return err
}

// taken is the error for an entry that a unique index refuses.
func (c *commit) taken(answer []rueidis.RedisMessage, sets *setPlaces) error {
	var b brokenBy
	if err := b.read(answer, sets); err != nil {
		return c.s.damage(err)
	}
	return &takenError{at: b.at, err: c.s.violation(b.index, c.found.refs[b.at], b.holder)}
}

// violation is the error for an entry that agrees with another in a unique index.
func (s *Store) violation(x *index, ref store.Ref, holder string) *store.Error {
	e := x.Violation(ref, holder)
	e.Backend = s.options.Name
	return e
}

// warnOfViolations tells of entries that were taken as they are, and agree with others
// in a unique index: the next write of either that keeps them equal fails.
func (c *commit) warnOfViolations(answer []rueidis.RedisMessage, sets *setPlaces) error {
	for ; len(answer) >= 3; answer = answer[3:] {
		var b brokenBy
		if err := b.read(answer, sets); err != nil {
			return c.s.damage(err)
		}
		c.s.options.Logger.Warn().Str("table", b.index.Table).Str("index", b.index.Def.Name).
			Str("key", c.found.refs[b.at].Key).Str("other", b.holder).
			Msg("an installed entry breaks a unique index")
	}
	return nil
}
