package app

import (
	"github.com/rs/zerolog"

	"larder/internal/backend"
	"larder/internal/config"
	"larder/internal/store"
)

// memberOptions are what the settings say to a backend.
func memberOptions(cfg config.Config, b config.Backend, log *zerolog.Logger) backend.Options {
	return backend.Options{
		Name: b.Name,
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
