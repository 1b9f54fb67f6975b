package redisstore

import (
	"context"
	"errors"
	"strconv"

	"larder/internal/store"
)

// errMoved says that what was read no longer stands, and nothing was written.
var errMoved = errors.New("what was read has changed")

// takenError says which entry a unique index refuses.
type takenError struct {
	at  int // in the commit's entries
	err *store.Error
}

func (e *takenError) Error() string { return e.err.Error() }

// commit is what is to be written by lua/commit.lua, if what was loaded for it
// still stands.
type commit struct {
	s      *Store
	link   *link
	shard  *shard
	found  *loaded
	dry    bool // check all, write nothing
	frees  bool // it makes nothing larger
	keeps  bool // entries are taken as they are: a unique index that they break is warned of
	floors []tableState
	writes []write // nil, or one for each ref
}

// write is what becomes of one entry; a zero one only has to stand as it was read.
type write struct {
	action string // "put", "forget", or "" for nothing
	entry  store.Entry
}

func (c *commit) set(i int, w write) {
	if c.writes == nil {
		c.writes = make([]write, len(c.found.refs))
	}
	c.writes[i] = w
}

// put has an entry, or a tombstone, stand in place of the i-th that was loaded.
func (c *commit) put(i int, e store.Entry) { c.set(i, write{action: "put", entry: e}) }

// forget has nothing be left of the i-th, a tombstone.
func (c *commit) forget(i int) { c.set(i, write{action: "forget"}) }

// state has a table's state be another.
func (c *commit) state(table int, t tableState) {
	if c.floors == nil {
		c.floors = make([]tableState, len(c.found.tables))
	}
	c.floors[table] = t
}

// do writes it all, or fails: with errMoved where another was in between, with a
// *takenError where a unique index refuses an entry.
func (c *commit) do(ctx context.Context) error {
	w := writing{s: c.s, link: c.link, shard: c.shard, tables: c.found.tables}
	keys := w.names(len(c.found.refs))
	for i := range c.found.refs {
		keys = append(keys, c.shard.entry(c.found.refs[i]))
	}
	args := make([]string, 0, 5+3*len(c.found.tables)+7*len(c.found.refs))
	args = append(args, c.s.clock(), strconv.FormatInt(c.found.now, 10), "", strconv.Itoa(len(c.found.tables)), strconv.Itoa(len(c.found.refs)))
	switch {
	case c.dry:
		args[2] = "dry"
	case c.keeps:
		args[2] = "keep"
	}
	for i, table := range c.found.tables {
		next := ""
		if c.floors != nil {
			next = c.floors[i].encode()
		}
		args = append(args, c.found.states[i].encode(), next, table)
	}
	sets := setPlaces{keys: keys}
	for i := range c.found.refs {
		var err error
		if args, err = c.appendEntry(ctx, args, i, &sets); err != nil {
			return err
		}
	}
	args = append(args, c.s.seen(c.link))
	script := c.s.scripts.commit
	if c.frees {
		script = c.s.scripts.bury
	}
	if len(sets.places) > 0 { // in which others may be looked for
		sets.keys = append(sets.keys, c.shard.never)
	}
	answer, err := script.Exec(ctx, c.link.client, sets.keys, args).ToArray()
	if err != nil {
		return c.s.outcome(ctx, err)
	}
	word, err := answer[0].ToString()
	switch {
	case err != nil:
		return c.s.damage(err)
	case word == "ok" && len(answer) >= 2:
		last, err := number(&answer[1])
		if err != nil {
			return c.s.damage(err)
		}
		c.s.sequence.raise(last)
		return c.warnOfViolations(answer[2:], &sets)
	case word == "indexes":
		return errMoved // they are learned when they are needed
	case word == "taken" && len(answer) == 4:
		return c.taken(answer[1:], &sets)
	}
	return errMoved
}

// appendEntry says what was read of an entry and what becomes of it.
func (c *commit) appendEntry(ctx context.Context, args []string, i int, sets *setPlaces) ([]string, error) {
	var w write
	if c.writes != nil {
		w = c.writes[i]
	}
	ref, stood := c.found.refs[i], ""
	if old := c.found.records[i]; old != nil {
		stood = string(old[1:17])
	}
	args = append(args, strconv.Itoa(c.found.tableOf[i]+1), ref.Key, stood, w.action)
	if w.action == "" {
		return append(args, "", "", "0"), nil
	}
	first, rest := "", ""
	if w.action == "put" {
		b := head(&w.entry)
		first, rest = string(b[:9]), string(b[17:])
		if !w.entry.Deleted {
			rest = string(appendTail(b[17:], w.entry.Value, w.entry.Metadata))
		}
	}
	changes, err := c.indexChanges(ctx, i, &w)
	if err != nil {
		return nil, err
	}
	args = append(args, first, rest, strconv.Itoa(len(changes)))
	for _, x := range changes {
		args = append(args, strconv.Itoa(sets.place(x.index)), string(x.remove), string(x.add), string(x.alone))
	}
	return args, nil
}

// setPlaces knows where in the keys the indexes' sorted sets are.
type setPlaces struct {
	keys   []string
	places map[string]int
	of     map[int]*index
}

// place is the number of the index's set among the keys, from 1.
func (p *setPlaces) place(x *index) int {
	n, known := p.places[x.set]
	if !known {
		if p.places == nil {
			p.places, p.of = make(map[string]int), make(map[int]*index)
		}
		p.keys = append(p.keys, x.set)
		n = len(p.keys)
		p.places[x.set], p.of[n] = n, x
	}
	return n
}
