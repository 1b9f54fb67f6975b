package pgstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"larder/internal/store"
)

// buildIndex builds an index that has been defined, unless another gateway has
// done so meanwhile. What a crash left of it is dropped first.
func (s *Store) buildIndex(ctx context.Context, x *index) error {
	err := s.withIndexLock(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return s.buildLocked(ctx, conn, x)
	})
	s.catalog.forget()
	switch {
	case err == nil || s.lifetime.Err() != nil:
	case ctx.Err() != nil:
		err = s.dropped(ctx.Err())
	case store.CodeOf(err).Fault() == store.ServersFault:
		s.options.Logger.Warn().Err(err).Str("table", x.table).Str("index", x.def.Name).Msg("an index could not be built")
	}
	return err
}

func (s *Store) dropped(cause error) error {
	return s.fail(store.NotFound, "the index was dropped while it was being built", cause)
}

func (s *Store) buildLocked(ctx context.Context, conn *pgx.Conn, x *index) error {
	defined, sound, err := s.indexState(ctx, conn, x)
	switch {
	case err != nil || sound:
		return err
	case !defined:
		return s.dropped(nil)
	}
	if err := s.dropRelation(ctx, conn, x.relation); err != nil {
		return err
	}
	if err := s.sweepIndexes(ctx, conn); err != nil {
		return err
	}
	if err := s.createIndex(ctx, conn, x); err != nil {
		return err
	}
	tag, err := conn.Exec(ctx, "update "+s.sql.indexes+" set ready = true where table_name = $1 and name = $2 and relation = $3", x.table, x.def.Name, x.relation)
	if err != nil {
		return err
	}
	if tag.RowsAffected() == 0 {
		return errors.Join(s.dropRelation(ctx, conn, x.relation), s.dropped(nil))
	}
	// What values its fields have is not known before; an index is chosen by it.
	_, err = conn.Exec(ctx, "analyze "+s.sql.entries)
	return err
}

// indexState says whether an index is still wanted, and whether it is there.
func (s *Store) indexState(ctx context.Context, conn *pgx.Conn, x *index) (defined, sound bool, err error) {
	rows, err := conn.Query(ctx, s.sql.readIndexes, s.options.Schema)
	if err != nil {
		return false, false, err
	}
	byTable, err := s.scanIndexes(rows)
	for _, o := range byTable[x.table] {
		if o.relation == x.relation {
			return true, o.ready, err
		}
	}
	return false, false, err
}

// attemptsToCreate bounds how often an index is begun.
const attemptsToCreate = 5

// createIndex has PostgreSQL build it while others read and write. What has
// expired and was not yet cleared up must not be in a unique index's way.
func (s *Store) createIndex(ctx context.Context, conn *pgx.Conn, x *index) error {
	for attempt := 1; ; attempt++ {
		if x.def.Unique {
			if err := s.reapExpired(ctx, x.table); err != nil {
				return err
			}
		}
		_, err := conn.Exec(ctx, x.createSQL(s.sql.entries))
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || broke(err) {
			return err // whoever comes next drops what is left
		}
		if err := s.dropRelation(ctx, conn, x.relation); err != nil {
			return err
		}
		if isUniqueViolation(err) {
			if violation, found := s.duplicate(ctx, conn, x); found != nil || violation != nil {
				return errors.Join(found, violation)
			}
		}
		if sqlState(err) == stateInsufficientRights {
			return s.notOurs(ctx, conn, x, err)
		}
		if attempt == attemptsToCreate || !isUniqueViolation(err) && !again(err) {
			return err
		}
	}
}

// notOurs takes the definition back of an index that the role may not make.
func (s *Store) notOurs(ctx context.Context, conn *pgx.Conn, x *index, cause error) error {
	if _, err := conn.Exec(ctx, "delete from "+s.sql.indexes+" where relation = $1", x.relation); err != nil {
		return err
	}
	return s.notOwner(cause)
}

// duplicate finds two entries that break a unique index, and takes its
// definition back.
func (s *Store) duplicate(ctx context.Context, conn *pgx.Conn, x *index) (violation, err error) {
	var first, second string
	err = conn.QueryRow(ctx, x.duplicateSQL(s.sql.entries), s.now()).Scan(&first, &second)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil // the one or the other has gone
	}
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "delete from "+s.sql.indexes+" where relation = $1", x.relation); err != nil {
		return nil, err
	}
	return &store.Error{
		Code: store.UniqueViolation, Backend: s.options.Name, Ref: store.Ref{Table: x.table, Key: second}, Field: "value", Pointer: x.def.Fields[0].Path.String(),
		Detail: fmt.Sprintf("the entries of the keys %q and %q hold the same in all fields of the index %s", first, second, x.def.Name),
	}, nil
}

// sweepIndexes drops what is left of indexes that were dropped or replaced.
func (s *Store) sweepIndexes(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, s.sql.strayIndexes, s.options.Schema, relationPrefix)
	if err != nil {
		return err
	}
	relations, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, relation := range relations {
		if err := s.dropRelation(ctx, conn, relation); err != nil {
			return err
		}
	}
	return nil
}

// strayIndexesSQL finds larder's secondary indexes that no definition names.
const strayIndexesSQL = `
select r.relname::text
from pg_class r
join pg_namespace n on n.oid = r.relnamespace
where n.nspname = $1 and r.relkind = 'i' and starts_with(r.relname::text, $2)
	and not exists (select from $indexes i where i.relation = r.relname)`

// dropRelation drops an index, where there is one. A deadlock with one who holds
// no lock of ours ends with one of both giving way.
func (s *Store) dropRelation(ctx context.Context, conn *pgx.Conn, relation string) error {
	for attempt := 1; ; attempt++ {
		_, err := conn.Exec(ctx, "drop index concurrently if exists "+pgx.Identifier{s.options.Schema, relation}.Sanitize())
		if err == nil || attempt == attemptsToCreate || !again(err) {
			return err
		}
	}
}

// repairIndexes sees, as a gateway starts, to what others have left unfinished.
func (s *Store) repairIndexes() {
	byTable, err := s.readIndexes(s.lifetime)
	if err != nil {
		s.options.Logger.Warn().Err(err).Msg("the indexes can't be looked at")
		return
	}
	for _, indexes := range byTable {
		for _, x := range indexes {
			if !x.ready {
				s.build(x)
			}
		}
	}
}
