package migrations

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/tern/v2/migrate"
)

// DB is a *pgx.Conn or a pool of them.
type DB interface {
	BeginTx(ctx context.Context, o pgx.TxOptions) (pgx.Tx, error)
}

// Step is one migration that was run.
type Step struct {
	Version int    // of the schema afterwards
	Name    string // of the file
	Down    bool
}

// direction of a run: from a version of the schema to the migration that comes
// next, nil where the end is reached.
type direction func(version int, all []*migrate.Migration) (next *migrate.Migration, sql string, after int, err error)

// Up brings a schema to the latest version, and makes it where it is missing.
// It waits while another process does so, until ctx ends. told, unless nil, is
// called after each step.
//
// Its error is a *NewerError where the schema is newer than this binary.
func Up(ctx context.Context, db DB, schema string, told func(Step)) error {
	return run(ctx, db, schema, told, false, func(version int, all []*migrate.Migration) (*migrate.Migration, string, int, error) {
		if version == len(all) {
			return nil, "", version, nil
		}
		return all[version], all[version].UpSQL, version + 1, nil
	})
}

// Down takes a schema back to a version, 0 being nothing at all, and with it
// all that was stored in what it drops. A schema at or below that version
// stays as it is.
func Down(ctx context.Context, db DB, schema string, target int, told func(Step)) error {
	if target < 0 || target > Latest() {
		return fmt.Errorf("migrations: there is no version %d; this binary knows 0 to %d", target, Latest())
	}
	return run(ctx, db, schema, told, true, func(version int, all []*migrate.Migration) (*migrate.Migration, string, int, error) {
		if version <= target {
			return nil, "", version, nil
		}
		last := all[version-1]
		if last.DownSQL == "" {
			return nil, "", version, fmt.Errorf("migrations: %s can't be undone", last.Name)
		}
		return last, last.DownSQL, version - 1, nil
	})
}

func run(ctx context.Context, db DB, schema string, told func(Step), down bool, next direction) error {
	all, err := load(ctx, schema)
	if err != nil {
		return err
	}
	for {
		var done *Step
		err := locked(ctx, db, schema, func(tx pgx.Tx) error {
			version, err := readVersion(ctx, tx, schema)
			if err != nil {
				return err
			}
			if version > len(all) {
				return &NewerError{Schema: schema, Version: version, Known: len(all)}
			}
			migration, sql, after, err := next(version, all)
			if err != nil || migration == nil {
				return err
			}
			if version == 0 && !down {
				if err := found(ctx, tx, schema); err != nil {
					return err
				}
			}
			if _, err := tx.Exec(ctx, sql); err != nil {
				return fmt.Errorf("migrations: %s: %w", migration.Name, err)
			}
			if err := writeVersion(ctx, tx, schema, after); err != nil {
				return err
			}
			done = &Step{Version: after, Name: migration.Name, Down: down}
			return nil
		})
		if err != nil || done == nil {
			return err
		}
		if told != nil {
			told(*done)
		}
	}
}

// lockPoll is how often a taken lock is asked for again.
const lockPoll = 50 * time.Millisecond

// errLocked says that another process has the lock.
var errLocked = errors.New("migrations: another process is at it")

// locked calls f in a transaction that holds the schema's lock. Each try is a
// transaction of its own: one that waited would keep a server connection of a
// pooler's, maybe the one that the lock's holder needs.
func locked(ctx context.Context, db DB, schema string, f func(pgx.Tx) error) error {
	ticks := time.NewTicker(lockPoll)
	defer ticks.Stop()
	for {
		err := pgx.BeginTxFunc(ctx, db, transaction, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, settings); err != nil {
				return fmt.Errorf("migrations: %w", err)
			}
			taken, err := tryLock(ctx, tx, schema)
			switch {
			case err != nil:
				return err
			case !taken:
				return errLocked
			}
			return f(tx)
		})
		if !errors.Is(err, errLocked) {
			return err
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", errLocked, context.Cause(ctx))
		}
	}
}
