package pgstore

import (
	"context"
	"errors"
	"fmt"

	"larder/internal/store"
	"larder/migrations"
)

// migrate brings the schema up to date, on a connection of the pool, and waits
// where another gateway is at it.
func (s *Store) migrate(ctx context.Context) error {
	conn, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	log := s.options.Logger
	return s.migrateError(migrations.Up(ctx, conn.Conn(), s.options.Schema, func(step migrations.Step) {
		log.Info().Str("schema", s.options.Schema).Str("migration", step.Name).Int("schema_version", step.Version).Msg("migrated")
	}))
}

// migrateError says, to the operator, why the schema is not as it has to be.
func (s *Store) migrateError(err error) error {
	if err == nil {
		return nil
	}
	schema := s.options.Schema
	newer, isNewer := errors.AsType[*migrations.NewerError](err)
	unfit, isUnfit := errors.AsType[*migrations.UnfitError](err)
	switch {
	case isNewer:
		return s.fail(store.Unavailable, newer.Error(), nil)
	case isUnfit:
		return s.fail(store.Unavailable, unfit.Error(), nil)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return s.fail(store.CodeOf(err), fmt.Sprintf("schema %q was not brought up to date in time", schema), err)
	case sqlState(err) == stateInsufficientRights:
		return s.fail(store.Unavailable, fmt.Sprintf("the URL's user may not make what is missing in schema %q: grant it create on the schema, or on the database where the schema is missing, or have `larder migrate up` run by a user who may", schema), err)
	case sqlState(err) == stateReadOnly:
		return s.fail(store.Unavailable, "the database is a standby and takes no writes: name the primary, or several hosts and target_session_attrs=read-write", err)
	case broke(err):
		return s.connectError(err)
	}
	// What a migration ran into is for whoever sees to the database, word by word.
	return s.fail(store.Internal, fmt.Sprintf("schema %q could not be brought up to date: %s", schema, err), err)
}
