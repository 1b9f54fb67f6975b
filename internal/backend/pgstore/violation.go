package pgstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"larder/internal/store"
)

// violation is the error for an entry that agrees with another in a unique index.
// It names the index, and the other where that is one that is committed.
func (s *Store) violation(ctx context.Context, e store.Entry, cause error) *store.Error {
	v := &store.Error{
		Code: store.UniqueViolation, Ref: e.Ref, Field: "value",
		Detail: "another entry holds the same in a unique index", Err: cause,
	}
	if err := s.explain(ctx, v, e); err != nil {
		s.options.Logger.Warn().Err(err).Msg("what a unique index refused an entry for can't be found")
	}
	return v
}

func (s *Store) explain(ctx context.Context, v *store.Error, e store.Entry) error {
	refused, ok := errors.AsType[*pgconn.PgError](v.Err)
	if !ok {
		return nil
	}
	indexes, err := s.indexesOf(ctx, e.Table, true)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(indexes, func(x *index) bool { return x.relation == refused.ConstraintName })
	if i < 0 {
		return nil // it has been dropped
	}
	x := indexes[i]
	v.Pointer = x.def.Fields[0].Path.String()
	v.Detail = "another entry holds the same in the unique index " + x.def.Name
	text, _ := valueColumns(e.Value)
	if text == nil {
		return nil
	}
	return s.query(ctx, x.holderSQL(s.sql.entries), []any{string(text), e.Key}, func(rows pgx.Rows) error {
		var holder string
		err := rows.Scan(&holder)
		v.Detail = fmt.Sprintf("the unique index %s holds the same for the key %q", x.def.Name, holder)
		return err
	})
}

// holderSQL finds the entry that agrees in all columns with a value, $1, that is
// to stand under the key $2.
func (x *index) holderSQL(entries string) string {
	theirs, own := x.uniqueColumns(entryValue), x.uniqueColumns("own.value")
	same := make([]string, len(theirs))
	for i := range theirs {
		same[i] = theirs[i] + " = " + own[i]
	}
	return "select e.key from " + entries + " e, (select $1::jsonb as value) own where " + x.predicate("e.") +
		" and e.key <> $2 and " + strings.Join(same, " and ") + " limit 1"
}
