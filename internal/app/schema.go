package app

import (
	"context"
	"errors"

	"github.com/rs/zerolog"

	"larder/internal/backend"
	"larder/internal/backend/pgstore"
	"larder/internal/config"
	"larder/migrations"
)

// Schema is the primary's, where that is a PostgreSQL database.
type Schema = pgstore.Schema

// SchemaStep is a migration of it that was run.
type SchemaStep = migrations.Step

// WithSchema connects to the primary without opening the store, calls use, and
// disconnects. Errors say to the operator what to do.
func WithSchema(ctx context.Context, cfg config.Config, use func(*Schema) error) error {
	silent := zerolog.Nop()
	schema, err := backend.OpenSchema(ctx, cfg.Primary, primaryOptions(cfg, &silent))
	if err != nil {
		return primaryError(err, silent)
	}
	err = use(schema)
	if err != nil {
		err = primaryError(err, silent)
	}
	return errors.Join(err, schema.Close(context.WithoutCancel(ctx)))
}
