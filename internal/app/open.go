package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/rs/zerolog"

	"larder/internal/backend"
	"larder/internal/config"
	"larder/internal/store"
)

// primaryName is the primary's name where only its URL is configured.
const primaryName = "primary"

// openPrimary opens the store that LARDER_PRIMARY names.
func openPrimary(ctx context.Context, cfg config.Config, log zerolog.Logger) (store.Store, error) {
	log = log.With().Str("backend", primaryName).Logger()
	opened, err := backend.Open(ctx, cfg.Primary, primaryOptions(cfg, &log))
	if err != nil {
		return nil, primaryError(err, log)
	}
	return opened, nil
}

func primaryOptions(cfg config.Config, log *zerolog.Logger) backend.Options {
	return backend.Options{
		Name: primaryName,
		Limits: store.Limits{
			MaxValueBytes: int(cfg.MaxValueBytes),
			MaxDepth:      cfg.MaxDepth,
			ScanBudget:    cfg.ScanBudget,
		},
		Retention: store.Retention{
			Tombstones: cfg.TombstoneRetention,
			Interval:   cfg.ReapInterval,
		},
		Logger: log,
		Postgres: backend.Postgres{
			Schema:           cfg.PostgresSchema,
			ReplicaURLs:      cfg.PostgresReplicaURLs,
			MinConnections:   cfg.PostgresMinConnections,
			MaxConnections:   cfg.PostgresMaxConnections,
			ConnectTimeout:   cfg.PostgresConnectTimeout,
			AcquireTimeout:   cfg.PostgresAcquireTimeout,
			IdleTimeout:      cfg.PostgresIdleTimeout,
			Lifetime:         cfg.PostgresLifetime,
			StatementTimeout: cfg.RequestTimeout - cfg.RequestTimeout/50, // the server ends it first, and the connection lives
			NoGather:         !cfg.PostgresGather,
			SQL:              cfg.PostgresSQL,
			SQLURL:           cfg.PostgresSQLURL,
		},
		Redis: backend.Redis{
			Prefix:         cfg.RedisPrefix,
			Shards:         cfg.RedisShards,
			CacheBytes:     int(cfg.RedisCache),
			CacheAge:       cfg.RedisCacheAge,
			ConnectTimeout: cfg.RedisConnectTimeout,
			ReplyTimeout:   cfg.RedisReplyTimeout,
		},
	}
}

// primaryError says to the operator why the primary can't be opened.
func primaryError(err error, log zerolog.Logger) error {
	wrong, ok := errors.AsType[*store.Error](err)
	switch {
	case !ok || wrong.Detail == "" || wrong.Code == store.Canceled:
		return fmt.Errorf("LARDER_PRIMARY: %w", err)
	case wrong.Code.Fault() == store.CallersFault:
		return &config.Error{Problems: []config.Problem{{Setting: "LARDER_PRIMARY", Detail: wrong.Detail}}}
	default:
		log.Debug().Err(err).Msg("can't open the primary")
		return fmt.Errorf("LARDER_PRIMARY: %s", wrong.Detail)
	}
}
