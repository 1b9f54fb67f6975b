// Package migrations makes the PostgreSQL schema that larder stores in, and
// unmakes it.
//
//	err := migrations.Up(ctx, conn, "public", nil)
//
// The .sql files are tern's (https://github.com/jackc/tern): numbered without
// gaps, the way up above the way down, templates with {{.schema}} as the quoted
// schema. What is in a release is never changed again; a change is a new file.
//
// They are not run by tern itself, whose session lock blocks instances that
// start together and does not work through PgBouncer's transaction mode. Each
// migration is one transaction here, which takes a transaction-level lock,
// looks which version the schema has, changes it and records that. So any
// number of processes may do this at once, and one that dies leaves the schema
// at a whole version.
package migrations

import (
	"context"
	"embed"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/tern/v2/migrate"
)

//go:embed *.sql
var files embed.FS

// VersionTable is the table that tells the version of its schema, in tern's
// own form.
const VersionTable = "storage_schema_version"

// Latest is the newest version that this binary knows.
func Latest() int {
	names, err := migrate.FindMigrations(files)
	if err != nil {
		panic(err) // the files are part of the binary, and the tests read them
	}
	return len(names)
}

// quote writes a name so that it can stand in SQL.
func quote(name ...string) string { return pgx.Identifier(name).Sanitize() }

// load reads the files for a schema.
func load(ctx context.Context, schema string) ([]*migrate.Migration, error) {
	loader, err := migrate.NewMigrator(ctx, nil, VersionTable) // without a connection it does no more than read
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	loader.Data["schema"] = quote(schema)
	if err := loader.LoadMigrations(files); err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	return loader.Migrations, nil
}
