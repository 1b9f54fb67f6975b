package pgstore

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"larder/internal/store"
	"larder/migrations"
)

// Schema is the schema of a database, to look after by hand. It is for one
// goroutine.
type Schema struct {
	s    *Store // for its options and errors; it is not open
	conn *pgx.Conn
}

// OpenSchema connects to the database of a store without touching what is in
// it, whatever its version. Errors of a Schema are *store.Error, whose Detail
// says to the operator what to do.
func OpenSchema(ctx context.Context, options Options) (*Schema, error) {
	s := &Store{options: options.withDefaults()}
	cfg, err := pgx.ParseConfig(s.options.URL)
	if err != nil {
		return nil, s.fail(store.InvalidOperation, "the URL is not one of PostgreSQL, such as postgres://user@host:5432/database", hideURL(err))
	}
	cfg.ConnectTimeout = s.options.ConnectTimeout
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec // leaves nothing in a session that may be a pooler's
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, s.connectError(err)
	}
	return &Schema{s: s, conn: conn}, nil
}

// Name is the schema's.
func (x *Schema) Name() string { return x.s.options.Schema }

// Status tells where it stands, also where it is newer than this binary.
func (x *Schema) Status(ctx context.Context) (migrations.Status, error) {
	status, err := migrations.Read(ctx, x.conn, x.Name())
	return status, x.s.migrateError(err)
}

// Up brings it to the latest version, and tells each step.
func (x *Schema) Up(ctx context.Context, told func(migrations.Step)) error {
	return x.s.migrateError(migrations.Up(ctx, x.conn, x.Name(), told))
}

// Down takes it back to a version, and with it what was stored since; 0 leaves
// nothing.
func (x *Schema) Down(ctx context.Context, target int, told func(migrations.Step)) error {
	if target < 0 || target > migrations.Latest() {
		return x.s.fail(store.InvalidOperation, fmt.Sprintf("there is no version %d; this larder knows 0 to %d", target, migrations.Latest()), nil)
	}
	return x.s.migrateError(migrations.Down(ctx, x.conn, x.Name(), target, told))
}

// Close ends the connection.
func (x *Schema) Close(ctx context.Context) error { return x.conn.Close(ctx) }
