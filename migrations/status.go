package migrations

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Status is where a schema stands.
type Status struct {
	Version    int         // 0: there is nothing
	Latest     int         // that this binary knows; below Version where the schema is newer
	Migrations []Migration // that this binary knows, the first one first
}

// Migration is one file.
type Migration struct {
	Version int // of the schema after it
	Name    string
	Applied bool
}

// Read tells where a schema stands, and changes nothing.
func Read(ctx context.Context, db DB, schema string) (Status, error) {
	all, err := load(ctx, schema)
	if err != nil {
		return Status{}, err
	}
	s := Status{Latest: len(all)}
	read := pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, db, read, func(tx pgx.Tx) (err error) {
		s.Version, err = readVersion(ctx, tx, schema)
		return err
	})
	if err != nil {
		return Status{}, err
	}
	for i, m := range all {
		s.Migrations = append(s.Migrations, Migration{Version: i + 1, Name: m.Name, Applied: i < s.Version})
	}
	return s, nil
}
