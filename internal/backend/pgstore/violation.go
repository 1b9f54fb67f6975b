package pgstore

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"larder/internal/store"
)

// violation is the error for an entry that agrees with another in a unique index.
func (s *Store) violation(ctx context.Context, ref store.Ref, cause error) *store.Error {
	e := &store.Error{
		Code: store.UniqueViolation, Ref: ref, Field: "value",
		Detail: "another entry has the same values in a unique index", Err: cause,
	}
	refused, ok := errors.AsType[*pgconn.PgError](cause)
	if !ok {
		return e
	}
	err := s.query(ctx, "select name, definition from "+s.sql.indexes+" where relation = $1", []any{refused.ConstraintName}, func(rows pgx.Rows) error {
		var name string
		var text []byte
		if err := rows.Scan(&name, &text); err != nil {
			return err
		}
		var def struct {
			Fields []struct {
				Path string `json:"path"`
			} `json:"fields"`
		}
		e.Detail = "another entry has the same values in the unique index " + name
		if err := json.Unmarshal(text, &def); err == nil && len(def.Fields) > 0 {
			e.Pointer = def.Fields[0].Path
		}
		return nil
	})
	if err != nil {
		s.options.Logger.Warn().Err(err).Msg("the unique index that refused an entry can't be named")
	}
	return e
}
