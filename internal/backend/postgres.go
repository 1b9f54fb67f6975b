package backend

import (
	"context"
	"time"

	"larder/internal/backend/pgstore"
	"larder/internal/store"
)

// Postgres is what a PostgreSQL backend can be told besides. All may be zero;
// pgstore.Options has the defaults.
type Postgres struct {
	Schema           string
	ReplicaURLs      []string
	MinConnections   int
	MaxConnections   int
	ConnectTimeout   time.Duration
	AcquireTimeout   time.Duration
	IdleTimeout      time.Duration
	Lifetime         time.Duration
	StatementTimeout time.Duration
	NoGather         bool
	SQL              bool
	SQLURL           string
}

// isPostgres says whether a URL's scheme is one of libpq's.
func isPostgres(scheme string) bool { return scheme == "postgres" || scheme == "postgresql" }

func openPostgres(ctx context.Context, scheme, location string, o Options) (store.Store, error) {
	s, err := pgstore.Open(ctx, o.postgres(scheme+"://"+location))
	if err != nil {
		return nil, err // not s: a nil *Store is no nil store.Store
	}
	return s, nil
}

func (o Options) postgres(url string) pgstore.Options {
	p := o.Postgres
	return pgstore.Options{
		URL: url, Schema: p.Schema, ReplicaURLs: p.ReplicaURLs,
		Name: o.Name, Limits: o.Limits, Retention: o.Retention, Logger: o.Logger,
		MinConnections: p.MinConnections, MaxConnections: p.MaxConnections,
		ConnectTimeout: p.ConnectTimeout, AcquireTimeout: p.AcquireTimeout,
		IdleTimeout: p.IdleTimeout, Lifetime: p.Lifetime,
		StatementTimeout: p.StatementTimeout,
		NoGather:         p.NoGather,
		SQL:              p.SQL, SQLURL: p.SQLURL,
	}
}
