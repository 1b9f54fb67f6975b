package app

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/rs/zerolog"

	"larder/internal/backend"
	"larder/internal/backend/pgstore"
	"larder/internal/config"
	"larder/migrations"
)

// Schema is that of a PostgreSQL database.
type Schema = pgstore.Schema

// SchemaStep is a migration of it that was run.
type SchemaStep = migrations.Step

// database is the backend whose schema is meant: the first that is a PostgreSQL
// database, or else the first, which then says that it has none.
func database(cfg config.Config) config.Backend {
	all := cfg.Members()
	i := slices.IndexFunc(all, func(b config.Backend) bool { return strings.HasPrefix(b.URL, "postgres") })
	return all[max(i, 0)]
}

// WithSchema connects to the database without opening the store, calls use, and
// disconnects. Errors say to the operator what to do.
func WithSchema(ctx context.Context, cfg config.Config, use func(*Schema) error) error {
	silent := zerolog.Nop()
	b := database(cfg)
	schema, err := backend.OpenSchema(ctx, b.URL, memberOptions(cfg, b, &silent))
	if err != nil {
		return memberError(cfg, b, err, silent)
	}
	err = use(schema)
	if err != nil {
		err = memberError(cfg, b, err, silent)
	}
	return errors.Join(err, schema.Close(context.WithoutCancel(ctx)))
}
