package redisstore

import (
	"context"
	"encoding/binary"
	"strconv"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"larder/internal/store"
)

// Get reads the entries by one script, at one moment; those of several shards at
// about the same. The horizon is one past the last sequence that it sees.
func (s *Store) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	for i := range refs {
		if err := refs[i].Validate(); err != nil {
			return store.Read{}, err
		}
	}
	l, err := s.enter(ctx)
	if err != nil {
		return store.Read{}, err
	}
	if len(refs) == 1 {
		if read, ok := s.cached(ctx, l, refs[0]); ok {
			return read, nil
		}
	}
	read, err := s.get(ctx, l, refs)
	s.cache.seen(read.Entries)
	return read, err
}

func (s *Store) get(ctx context.Context, l *link, refs []store.Ref) (store.Read, error) {
	read := store.Read{Entries: make([]store.Entry, len(refs))}
	if len(refs) == 0 {
		return read, nil
	}
	parts := l.split(refs)
	if len(parts) == 1 {
		err := s.readPart(ctx, l, refs, &parts[0], &read)
		return read, err
	}
	reads := make([]store.Read, len(parts))
	errs := make([]error, len(parts))
	var all sync.WaitGroup
	for i := range parts {
		reads[i].Entries = read.Entries // each part its own places
		all.Go(func() { errs[i] = s.readPart(ctx, l, refs, &parts[i], &reads[i]) })
	}
	all.Wait()
	for i := range parts {
		if errs[i] != nil {
			e := *store.AsError(errs[i])
			e.Ref = refs[parts[i].at[0]] // of this shard alone
			return store.Read{}, &e
		}
		if i == 0 || reads[i].Horizon < read.Horizon {
			read.Horizon = reads[i].Horizon
		}
	}
	return read, nil
}

// part is what of a request lies in one shard.
type part struct {
	shard *shard
	at    []int // places in the request
}

// split groups refs by shard.
func (k *keyspace) split(refs []store.Ref) []part {
	if len(k.shards) == 1 || len(refs) == 1 {
		p := part{shard: k.shardOf(refs[0].Key), at: make([]int, len(refs))}
		for i := range p.at {
			p.at[i] = i
		}
		return []part{p}
	}
	var parts []part
	byShard := make(map[int]int, len(k.shards))
	for i := range refs {
		d := k.shardOf(refs[i].Key)
		n, known := byShard[d.index]
		if !known {
			n = len(parts)
			byShard[d.index] = n
			parts = append(parts, part{shard: d})
		}
		parts[n].at = append(parts[n].at, i)
	}
	return parts
}

func (s *Store) readPart(ctx context.Context, l *link, refs []store.Ref, p *part, read *store.Read) error {
	own := refs
	if len(p.at) < len(refs) {
		own = make([]store.Ref, len(p.at))
		for i, at := range p.at {
			own[i] = refs[at]
		}
	}
	found, err := s.load(ctx, l, p.shard, own)
	if err != nil {
		return err
	}
	read.Horizon = store.Horizon(found.sequence + 1)
	for i, at := range p.at {
		if read.Entries[at], err = found.entry(i); err != nil {
			return s.refusal(ctx, err)
		}
		read.Entries[at] = read.Entries[at].At(timeFromMicros(found.now))
	}
	return nil
}

// loaded is what a shard held of some refs at one moment.
type loaded struct {
	now      int64 // µs since 1970
	sequence int64 // of the last write to the shard
	refs     []store.Ref
	tables   []string // of the refs, each once
	states   []tableState
	tableOf  []int    // for each ref, in tables
	records  [][]byte // nil for none
}

// load reads the records of refs and the states of their tables.
func (s *Store) load(ctx context.Context, l *link, d *shard, refs []store.Ref) (*loaded, error) {
	found := &loaded{refs: refs}
	found.tables, found.tableOf = tablesOf(refs)
	keys := make([]string, 0, 1+len(found.tables)+len(refs))
	keys = append(keys, d.sequence)
	for _, table := range found.tables {
		keys = append(keys, d.state(table))
	}
	for i := range refs {
		keys = append(keys, d.entry(refs[i]))
	}
	sent := time.Now()
	answer, err := s.scripts.load.Exec(ctx, l.client, keys, []string{s.clock()}).ToArray()
	if err != nil {
		return nil, s.refusal(ctx, err)
	}
	if err := found.read(answer, len(keys)); err != nil {
		return nil, s.damage(err)
	}
	l.contacts[d.index].saw(sent, found.now)
	s.sequence.raise(found.sequence)
	return found, nil
}

// read takes in what the script answered.
func (found *loaded) read(answer []rueidis.RedisMessage, keys int) (err error) {
	if len(answer) != keys+1 {
		return damagedf("%d keys were read as %d", keys, len(answer)-1)
	}
	if found.sequence, err = number(&answer[1]); err != nil {
		return err
	}
	return found.readHeld(append(answer[:1:1], answer[2:]...))
}

// readHeld takes in a time, the states of the tables and the records of the refs.
func (found *loaded) readHeld(answer []rueidis.RedisMessage) (err error) {
	if found.now, err = number(&answer[0]); err != nil {
		return err
	}
	answer = answer[1:]
	found.states = make([]tableState, len(found.tables))
	for i := range found.states {
		if found.states[i], err = readState(&answer[i]); err != nil {
			return err
		}
	}
	answer = answer[len(found.tables):]
	found.records = make([][]byte, len(answer))
	for i := range answer {
		if found.records[i], err = bytesOf(&answer[i]); err != nil {
			return err
		}
	}
	return nil
}

// entry gives what is stored under a ref, a tombstone and an expired one too, or
// what store.Eval starts from where nothing is.
func (found *loaded) entry(i int) (store.Entry, error) {
	if found.records[i] == nil {
		return found.states[found.tableOf[i]].unknown(found.refs[i]), nil
	}
	r, err := decodeRecord(found.records[i])
	if err != nil {
		return store.Entry{}, err
	}
	return r.entry(found.refs[i])
}

// entries gives them all.
func (found *loaded) entries() (entries []store.Entry, err error) {
	entries = make([]store.Entry, len(found.refs))
	for i := range entries {
		if entries[i], err = found.entry(i); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// tablesOf lists the tables of refs, each once, and which is whose.
func tablesOf(refs []store.Ref) (tables []string, of []int) {
	of = make([]int, len(refs))
	var places map[string]int
	for i := range refs {
		table := refs[i].Table
		if len(tables) > 0 && tables[len(tables)-1] == table {
			of[i] = len(tables) - 1
			continue
		}
		if places == nil {
			places = make(map[string]int)
		}
		n, known := places[table]
		if !known {
			n = len(tables)
			places[table] = n
			tables = append(tables, table)
		}
		of[i] = n
	}
	return tables, of
}

// tableState is what a shard remembers of a table beside its entries, 24 bytes
// where there is anything to remember.
type tableState struct {
	generation uint64 // of its indexes
	floor      int64  // below or at it all versions are used up
	compacted  int64  // the sequence up to which deletions have been forgotten
}

func (t tableState) isZero() bool { return t == tableState{} }

func (t tableState) encode() string {
	if t.isZero() {
		return ""
	}
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 24), t.generation)
	b = binary.BigEndian.AppendUint64(b, uint64(t.floor))
	return string(binary.BigEndian.AppendUint64(b, uint64(t.compacted)))
}

func readState(m *rueidis.RedisMessage) (tableState, error) {
	b, err := bytesOf(m)
	if err != nil {
		return tableState{}, err
	}
	return decodeState(b)
}

func decodeState(b []byte) (tableState, error) {
	switch len(b) {
	case 0:
		return tableState{}, nil
	case 24:
	default:
		return tableState{}, damagedf("a table's state has %d bytes", len(b))
	}
	return tableState{
		generation: binary.BigEndian.Uint64(b),
		floor:      int64(binary.BigEndian.Uint64(b[8:])),
		compacted:  int64(binary.BigEndian.Uint64(b[16:])),
	}, nil
}

// unknown is what Eval starts from where the shard knows nothing of a key.
func (t tableState) unknown(ref store.Ref) store.Entry {
	return store.Entry{Ref: ref, Version: t.floor, Deleted: t.floor > 0}
}

// number reads a decimal number; nothing is 0.
func number(m *rueidis.RedisMessage) (int64, error) {
	if m.IsNil() {
		return 0, nil
	}
	text, err := m.ToString()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, damagedf("%q is no number", text)
	}
	return n, nil
}

// bytesOf gives a string's bytes, which nobody may change; nil for no string.
func bytesOf(m *rueidis.RedisMessage) ([]byte, error) {
	if m.IsNil() {
		return nil, nil
	}
	return m.AsBytes()
}

// damage makes an error of the domain of one about what keys hold.
func (s *Store) damage(err error) error {
	if err == nil {
		return nil
	}
	return s.fail(store.Internal, "a key under larder's prefix does not hold what larder writes", err)
}
