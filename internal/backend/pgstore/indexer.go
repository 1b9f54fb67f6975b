package pgstore

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"larder/internal/store"
)

// countedEntries is up to how many entries an index's are counted. Beyond that
// PostgreSQL's estimate is given.
const countedEntries = 10_000

// Indexes lists a table's indexes by name, those under construction too.
func (s *Store) Indexes(ctx context.Context, table string) ([]store.Index, error) {
	if err := store.ValidateTable(table); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, s.ended(ctx)
	}
	indexes, err := s.indexesOf(ctx, table, true)
	if err != nil {
		return nil, err
	}
	counts, err := s.countIndexes(ctx, indexes)
	if err != nil {
		return nil, err
	}
	defs := make([]store.Index, len(indexes))
	for i, x := range indexes {
		defs[i] = x.def
		defs[i].Ready, defs[i].Entries = x.ready, counts[i]
		if counts[i] > countedEntries {
			defs[i].Entries = max(counts[i], x.held)
		}
	}
	return defs, nil
}

// countIndexes counts what is in indexes, less what has expired.
func (s *Store) countIndexes(ctx context.Context, indexes []*index) ([]int64, error) {
	counts := make([]int64, len(indexes))
	if len(indexes) == 0 {
		return counts, nil
	}
	var q queryText
	clock := s.clockText(&q)
	texts := make([]string, len(indexes))
	for i, x := range indexes {
		texts[i] = "(select count(*) from (select from " + s.sql.entries + " e where " + x.predicate("e.") +
			" and (e.expires_at is null or e.expires_at > " + clock + ") limit " + strconv.Itoa(countedEntries+1) + ") e)"
	}
	err := s.query(ctx, "select "+strings.Join(texts, ", "), q.args, func(rows pgx.Rows) error {
		for i, raw := range rows.RawValues() {
			counts[i] = int64Of(raw)
		}
		return nil
	})
	return counts, err
}

// PutIndex writes the definition down, has the index built in the background,
// and waits for that. Where ctx ends first, building goes on; asking again waits
// again.
func (s *Store) PutIndex(ctx context.Context, table string, def store.Index) (made bool, err error) {
	if err := def.Validate(table); err != nil {
		return false, err
	}
	for _, f := range def.Fields {
		if leadsNowhere(f.Path) {
			return false, &store.Error{Code: store.InvalidIndex, Field: "fields", Detail: "a path has no U+0000: no value has such a name"}
		}
	}
	var x *index
	err = s.inTransaction(ctx, func(tx pgx.Tx) error {
		x, made, err = s.define(ctx, tx, table, def)
		return err
	})
	if err != nil || x.ready {
		return false, err
	}
	s.catalog.forget()
	return made, s.awaitBuild(ctx, s.build(x))
}

// define gives the index of that definition, and says whether it is a new one.
func (s *Store) define(ctx context.Context, tx pgx.Tx, table string, def store.Index) (x *index, made bool, err error) {
	if _, err := tx.Exec(ctx, "lock table "+s.sql.indexes+" in share row exclusive mode"); err != nil {
		return nil, false, err
	}
	rows, err := tx.Query(ctx, s.sql.readIndexes, s.options.Schema)
	if err != nil {
		return nil, false, err
	}
	byTable, err := s.scanIndexes(rows)
	if err != nil {
		return nil, false, err
	}
	known := false
	for _, o := range byTable[table] {
		if o.def.Name == def.Name {
			if known = true; o.def.SameDefinition(def) {
				return o, false, nil
			}
		}
	}
	if !known && len(byTable[table]) >= store.MaxIndexes {
		return nil, false, &store.Error{
			Code: store.InvalidIndex, Ref: store.Ref{Table: table}, Field: "index",
			Detail: fmt.Sprintf("a table has at most %d indexes", store.MaxIndexes),
		}
	}
	if err := s.mayIndex(ctx, tx); err != nil {
		return nil, false, err
	}
	relation, err := newRelation()
	if err != nil {
		return nil, false, err
	}
	x = newIndex(table, def, relation)
	text, err := x.encode()
	if err != nil {
		return nil, false, err
	}
	_, err = tx.Exec(ctx, "insert into "+s.sql.indexes+" (table_name, name, definition, relation, ready) values ($1, $2, $3, $4, false)"+
		" on conflict (table_name, name) do update set definition = excluded.definition, relation = excluded.relation, ready = false",
		table, def.Name, text, relation)
	return x, true, err
}

// mayIndex refuses what the server would refuse later, when the definition is
// written down or gone.
func (s *Store) mayIndex(ctx context.Context, tx pgx.Tx) error {
	var owns bool
	err := tx.QueryRow(ctx, "select pg_has_role(relowner, 'usage') from pg_class where oid = $1::text::regclass", s.sql.entries).Scan(&owns)
	if err != nil || owns {
		return err
	}
	return s.notOwner(nil)
}

func (s *Store) notOwner(cause error) error {
	return s.fail(store.Unsupported, "the database's role does not own larder's tables, and so may neither make nor drop indexes on them; have their owner be larder's role", cause)
}

// relationPrefix begins the names of the relations that are larder's secondary
// indexes.
const relationPrefix = "storage_index_"

// newRelation makes a name that no index has had: what is left of an index that
// was dropped or replaced is not taken for another.
func newRelation() (string, error) {
	b := make([]byte, 8)
	if _, err := rand.Read(b); err != nil {
		return "", err
	}
	return relationPrefix + hex.EncodeToString(b), nil
}

// DropIndex removes an index, and ends its building. Where ctx ends before that
// is done, the index is no longer known, and goes when the next one is built or
// a gateway starts.
func (s *Store) DropIndex(ctx context.Context, table, name string) error {
	if err := store.ValidateTable(table); err != nil {
		return err
	}
	var relation string
	err := s.inTransaction(ctx, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, "delete from "+s.sql.indexes+" where table_name = $1 and name = $2 returning relation::text", table, name).Scan(&relation)
		if errors.Is(err, pgx.ErrNoRows) {
			return &store.Error{Code: store.NotFound, Ref: store.Ref{Table: table}, Field: "index", Detail: fmt.Sprintf("the table has no index %q", name)}
		}
		if err != nil {
			return err
		}
		return s.mayIndex(ctx, tx)
	})
	if err != nil {
		return err
	}
	s.catalog.forget()
	s.builds.cancel(relation)
	return s.withIndexLock(ctx, s.sweepIndexes)
}

// inTransaction does a piece of work on definitions, all or none of it.
func (s *Store) inTransaction(ctx context.Context, work func(tx pgx.Tx) error) error {
	conn, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	talk, cancel := s.detached(ctx)
	defer cancel()
	tx, err := conn.Begin(talk)
	if err != nil {
		return s.internal(err)
	}
	if err := work(tx); err != nil {
		return errors.Join(s.internal(err), undo(talk, conn))
	}
	switch err := tx.Commit(talk); {
	case err != nil && broke(err):
		return s.unknown(err)
	default:
		return s.internal(err)
	}
}
