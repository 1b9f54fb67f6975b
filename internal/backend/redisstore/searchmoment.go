package redisstore

import (
	"context"
	"strconv"

	"github.com/redis/rueidis"

	"larder/internal/store"
)

// What one script reads, it reads at one moment. A walk that takes several has to come
// to be of one: it asks what has changed since it began, takes back what it had of
// that, and considers it anew as it is now; then what has changed since that was read,
// until nothing has. That ends, since changes are read faster than they are made, each
// time twice as many; and then all that the walk has found stands as it is at the moment
// of the last answer.
//
// A walk in the query's order may end before it has seen all. Then it goes for what
// lies before its end.

// Bounds of the changes that a walk follows: how many more than the entries that a
// script looks at else, and how many in all.
const (
	changesTimes = 8
	mostChanges  = 1_000_000
)

// catchUp has the matches be those of one moment.
func (w *walk) catchUp(ctx context.Context, m matches) error {
	most := w.s.options.ScriptEntries
	for n, more := 0, true; more; most = min(2*most, changesTimes*w.s.options.ScriptEntries) {
		c, err := w.readChanged(ctx, most)
		if err != nil {
			return err
		}
		if n += len(c.records); n > mostChanges || c.forgotten > w.since {
			return errOutpaced
		}
		w.now, w.since, more = c.now, c.upTo, c.more
		changed := make(map[string]struct{}, len(c.keys))
		for _, key := range c.keys {
			changed[key] = struct{}{}
		}
		m.strike(changed, timeFromMicros(c.now))
		for i, key := range c.keys {
			if err := w.reconsider(key, c.records[i], m); err != nil {
				return err
			}
		}
	}
	return nil
}

// reconsider adds an entry as it is now, if it matches and the walk has come by where
// it is.
func (w *walk) reconsider(key string, held []byte, m matches) error {
	if held == nil {
		return nil
	}
	r, err := decodeRecord(held)
	if err != nil {
		return w.s.damage(err)
	}
	if !r.exists(w.now) {
		return nil
	}
	e, err := r.entry(store.Ref{Table: w.query.Table, Key: key})
	if err != nil {
		return w.s.damage(err)
	}
	if !w.query.Match(e) {
		return nil
	}
	passed, err := w.passed(&e)
	if err != nil {
		return w.s.damage(err)
	}
	if passed {
		m.add(e)
	}
	return nil
}

// changed is what has changed in a table, at one moment.
type changed struct {
	now       int64
	forgotten int64 // the sequence up to which deletions have been
	upTo      int64 // the sequence of the last of them
	more      bool
	keys      []string
	records   [][]byte // nil: nothing is there
}

func (w *walk) readChanged(ctx context.Context, most int) (*changed, error) {
	answer, err := w.s.scripts.changed.Exec(ctx, w.link.client, []string{w.shard.state(w.query.Table), w.shard.changes(w.query.Table), w.shard.never}, []string{
		w.s.clock(), w.catalog.stands(), w.shard.entry(store.Ref{Table: w.query.Table}), strconv.FormatInt(w.since, 10),
		strconv.Itoa(most), strconv.Itoa(scanBytes),
	}).ToArray()
	if err != nil {
		return nil, w.s.refusal(ctx, err)
	}
	if len(answer) == 1 {
		return nil, errMoved
	}
	c := &changed{}
	if err := c.read(answer); err != nil {
		return nil, w.s.damage(err)
	}
	w.s.sequence.raise(c.upTo)
	return c, nil
}

func (c *changed) read(answer []rueidis.RedisMessage) (err error) {
	if len(answer) < 4 || len(answer)%2 != 0 {
		return damagedf("what has changed is cut short")
	}
	for i, n := range []*int64{&c.now, &c.forgotten, &c.upTo} {
		if *n, err = number(&answer[i]); err != nil {
			return err
		}
	}
	word, err := answer[3].ToString()
	if err != nil {
		return err
	}
	c.more = word == "more"
	for i := 4; i < len(answer); i += 2 {
		key, err := answer[i].ToString()
		if err != nil {
			return err
		}
		record, err := bytesOf(&answer[i+1])
		if err != nil {
			return err
		}
		c.keys, c.records = append(c.keys, key), append(c.records, record)
	}
	return nil
}
