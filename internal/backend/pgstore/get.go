package pgstore

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"larder/internal/store"
)

// Get reads in one statement. Single entries that are asked for at the same
// time are read by one together (see readgroup.go).
func (s *Store) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	for i := range refs {
		if err := refs[i].Validate(); err != nil {
			return store.Read{}, err
		}
	}
	if len(s.replicas.all) == 0 {
		return s.get(ctx, refs)
	}
	return readFrom(ctx, s, func(ctx context.Context, from store.Source) (store.Read, error) {
		read, err := s.get(ctx, refs)
		read.Source = from
		return read, err
	})
}

func (s *Store) get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	if len(refs) == 1 && !s.options.NoGather && s.poolOf(ctx) == s.pool {
		return s.reads.get(ctx, refs[0])
	}
	_, read, err := s.readRows(ctx, refs)
	return read, err
}

// readRows reads any number of entries, as a reader sees them, and the clock.
func (s *Store) readRows(ctx context.Context, refs []store.Ref) (now time.Time, read store.Read, err error) {
	l := newLookup(s, len(refs))
	for i := range refs {
		l.ask(refs[i])
	}
	if err := l.run(ctx); err != nil {
		return time.Time{}, store.Read{}, err
	}
	read = store.Read{Entries: make([]store.Entry, len(refs)), Horizon: l.horizon}
	for i, place := range l.places {
		a := &l.answers[place]
		if a.err != nil {
			return time.Time{}, store.Read{}, a.err
		}
		read.Entries[i] = a.entry
	}
	return l.now, read, nil
}

// lookup reads entries at one moment. It can be used again after reset.
type lookup struct {
	s       *Store
	places  []int // of what was asked for, in its order, among the answers
	answers []answer
	known   map[string]map[string]int // table → key → place

	// The arguments: of each answer the key, and the table where there are more
	// than one.
	tables, keys []string

	horizon store.Horizon
	now     time.Time
}

type answer struct {
	entry store.Entry // as a reader sees it
	err   error       // it is there and can't be read
}

// newLookup makes room for so many entries.
func newLookup(s *Store, n int) *lookup {
	return &lookup{
		s: s, places: make([]int, 0, n), answers: make([]answer, 0, n),
		tables: make([]string, 0, n), keys: make([]string, 0, n),
	}
}

func (l *lookup) reset() {
	clear(l.answers)
	clear(l.tables)
	clear(l.keys)
	for _, keys := range l.known {
		clear(keys)
	}
	if len(l.known) > maxKeptTables {
		clear(l.known)
	}
	l.places, l.answers, l.tables, l.keys = l.places[:0], l.answers[:0], l.tables[:0], l.keys[:0]
	l.horizon = 0
}

// maxKeptTables bounds what a lookup keeps for its next use.
const maxKeptTables = 64

// ask adds an entry. One that was asked for already is read once.
func (l *lookup) ask(ref store.Ref) {
	keys := l.known[ref.Table]
	if keys == nil {
		if l.known == nil {
			l.known = make(map[string]map[string]int)
		}
		keys = make(map[string]int, cap(l.answers))
		l.known[ref.Table] = keys
	}
	place, again := keys[ref.Key]
	if !again {
		place = len(l.answers)
		keys[ref.Key] = place
		l.answers = append(l.answers, answer{entry: store.Entry{Ref: ref}})
		l.tables, l.keys = append(l.tables, ref.Table), append(l.keys, ref.Key)
	}
	l.places = append(l.places, place)
}

// oneTable says whether all is of one table, which the database then searches
// in one go.
func (l *lookup) oneTable() bool {
	for _, table := range l.tables {
		if table != l.tables[0] {
			return false
		}
	}
	return true
}

// run reads what was asked for.
func (l *lookup) run(ctx context.Context) error {
	if len(l.answers) == 0 {
		return l.s.query(ctx, l.s.readSQL.horizon, nil, func(rows pgx.Rows) error {
			l.horizon = store.Horizon(uint64Of(rows.RawValues()[0]))
			return nil
		})
	}
	if l.oneTable() {
		return l.s.query(ctx, l.s.readSQL.getOfTable, []any{l.tables[0], l.keys, l.s.now()}, l.takeOfTable)
	}
	return l.s.query(ctx, l.s.readSQL.get, []any{l.tables, l.keys, l.s.now()}, l.take)
}

var errUnasked = errors.New("a row that was not asked for")

// getColumns come before those of the entry.
const getColumns = 3

// takeOfTable takes a row of getOfTableSQL: the first, or that of an entry. What
// has no row is absent.
func (l *lookup) takeOfTable(rows pgx.Rows) error {
	raw := rows.RawValues()
	if raw[0] != nil {
		l.horizon, l.now = store.Horizon(uint64Of(raw[0])), timeOf(raw[3])
		if floor := int64Of(raw[2]); floor > 0 {
			for i := range l.answers {
				l.answers[i].entry.Version, l.answers[i].entry.Deleted = floor, true
			}
		}
		return nil
	}
	place, asked := l.known[l.tables[0]][string(raw[1])]
	if !asked {
		return foreign(errUnasked)
	}
	whole := [columnCount][]byte{1: raw[1], 2: raw[2], 3: raw[3], 4: raw[4], 5: raw[5], 6: raw[6], 7: raw[7], 10: raw[8], 11: raw[9]}
	l.answer(place, whole[:])
	return nil
}

// take takes a row of getSQL, one for each that was asked for.
func (l *lookup) take(rows pgx.Rows) error {
	raw := rows.RawValues()
	l.horizon, l.now = store.Horizon(uint64Of(raw[0])), timeOf(raw[1])
	place := int(int64Of(raw[getColumns])) - 1
	if raw[getColumns+1] == nil {
		if floor := int64Of(raw[2]); floor > 0 {
			l.answers[place].entry.Version, l.answers[place].entry.Deleted = floor, true
		}
		return nil
	}
	l.answer(place, raw[getColumns+1:])
	return nil
}

// answer keeps an entry. One that can't be read is no concern of the others.
func (l *lookup) answer(place int, raw [][]byte) {
	a := &l.answers[place]
	r, err := decodeRowOf(a.entry.Ref, raw)
	if err != nil {
		a.err = l.s.internal(err)
		return
	}
	a.entry = r.At(l.now)
}
