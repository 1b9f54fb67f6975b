package pgstore

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"larder/internal/store"
)

// catalogAge is how old what a gateway knows of the indexes may become before it
// looks what others have made or dropped. Answers are right all the same: an
// index only makes them fast.
const catalogAge = time.Second

// catalog is what this gateway knows of the indexes.
type catalog struct {
	mu      sync.Mutex
	byTable map[string][]*index // by name; replaced, never changed
	read    time.Time           // when; zero: it has to be read first
	reading bool                // somebody reads it anew
	epoch   int                 // counts how often it was forgotten
}

// known gives what is known, where that may be used. Where it has become old, one
// caller reads it anew, and the others use it meanwhile.
func (c *catalog) known() (byTable map[string][]*index, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.read.IsZero():
		return nil, false
	case time.Since(c.read) >= catalogAge && !c.reading:
		c.reading = true
		return nil, false
	}
	return c.byTable, true
}

// learn takes over what was read, unless it was forgotten meanwhile.
func (c *catalog) learn(byTable map[string][]*index, read time.Time, epoch int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reading = false
	if byTable != nil && epoch == c.epoch {
		c.byTable, c.read = byTable, read
	}
}

// forget has it read before it is used again.
func (c *catalog) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read = time.Time{}
	c.epoch++
}

func (c *catalog) current() (epoch int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.epoch
}

// indexesOf lists a table's indexes by name, as they were a moment ago, or as
// they are now.
func (s *Store) indexesOf(ctx context.Context, table string, now bool) ([]*index, error) {
	if !now {
		if byTable, ok := s.catalog.known(); ok {
			return byTable[table], nil
		}
	}
	if s.poolOf(ctx) != s.pool { // a replica's are those of a while ago
		byTable, err := s.readIndexes(ctx)
		return byTable[table], err
	}
	epoch, began := s.catalog.current(), time.Now()
	byTable, err := s.readIndexes(ctx)
	if err != nil {
		byTable = nil
	}
	s.catalog.learn(byTable, began, epoch)
	return byTable[table], err
}

// readIndexes reads all definitions, and what PostgreSQL has of them.
func (s *Store) readIndexes(ctx context.Context) (map[string][]*index, error) {
	byTable := make(map[string][]*index)
	err := s.query(ctx, s.sql.readIndexes, []any{s.options.Schema}, func(rows pgx.Rows) error { return s.scanIndex(rows, byTable) })
	return byTable, err
}

// scanIndexes reads them from an answer.
func (s *Store) scanIndexes(rows pgx.Rows) (map[string][]*index, error) {
	byTable := make(map[string][]*index)
	err := drain(rows, func(rows pgx.Rows) error { return s.scanIndex(rows, byTable) })
	return byTable, err
}

func (s *Store) scanIndex(rows pgx.Rows, byTable map[string][]*index) error {
	var table, name, relation, text string
	var ready, valid bool
	var oid uint32
	var held float64
	if err := rows.Scan(&table, &name, &relation, &text, &ready, &valid, &oid, &held); err != nil {
		return err
	}
	x, err := decodeIndex(table, name, relation, []byte(text))
	if err != nil {
		return s.fail(store.Internal, "the definition of an index is damaged", err)
	}
	x.ready, x.oid, x.held = ready && valid, oid, int64(held)
	byTable[table] = append(byTable[table], x)
	return nil
}

// readIndexesSQL joins definitions to what there is. An index that a crash left
// half built is not valid.
const readIndexesSQL = `
select i.table_name, i.name, i.relation::text, i.definition::text, i.ready,
	coalesce(x.indisvalid and x.indisready, false), coalesce(r.oid, 0)::oid, coalesce(r.reltuples, 0)::float8
from $indexes i
left join pg_namespace n on n.nspname = $1
left join pg_class r on r.relnamespace = n.oid and r.relname = i.relation
left join pg_index x on x.indexrelid = r.oid
order by i.table_name, i.name`
