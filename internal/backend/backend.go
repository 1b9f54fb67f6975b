// Package backend opens a backend by its URL, whose scheme says which it is.
//
//	s, err := backend.Open(ctx, "bolt://./data/larder.db", backend.Options{})
//
// The schemes, and nothing else:
//
//	bolt://./data/larder.db         a bbolt file, relative to the working directory
//	bolt:///var/lib/larder.db       or absolute
//	postgres://user@host/database   a PostgreSQL database, by a URL as libpq has it;
//	postgresql://…                  postgresql:// is the same
//	redis://user@host/0             a Redis, 0 its database
//	redis+sentinel://a,b,c/master   the Redis that these sentinels watch
//	redis+cluster://a,b,c           a Redis Cluster, by some of its nodes
//	rediss://…                      each of the three by TLS
//	rediss+sentinel://…
//	rediss+cluster://…
package backend

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rs/zerolog"

	"larder/internal/backend/boltstore"
	"larder/internal/store"
)

// Options are what all backends can be told. All may be zero.
type Options struct {
	Name      string // of the store, in its Info and errors; by default its scheme
	Limits    store.Limits
	Retention store.Retention
	Logger    *zerolog.Logger // nil: nothing is logged

	Postgres Postgres // for PostgreSQL alone
	Redis    Redis    // for Redis alone
}

// opener opens a backend. location is what follows the scheme's "://".
type opener func(ctx context.Context, scheme, location string, o Options) (store.Store, error)

// schemes lists every backend there is.
func schemes() map[string]opener {
	return map[string]opener{
		"bolt":            openBolt,
		"postgres":        openPostgres,
		"postgresql":      openPostgres,
		"redis":           openRedis,
		"rediss":          openRedis,
		"redis+sentinel":  openRedis,
		"rediss+sentinel": openRedis,
		"redis+cluster":   openRedis,
		"rediss+cluster":  openRedis,
	}
}

// Open opens the backend that a URL names. Errors are *store.Error; their
// Detail is for the operator and says what to do.
func Open(ctx context.Context, url string, o Options) (store.Store, error) {
	scheme, location, found := strings.Cut(url, "://")
	open, known := schemes()[scheme]
	if !found || !known {
		return nil, &store.Error{Code: store.Unsupported, Backend: o.Name, Field: "url", Detail: unknown(scheme, found)}
	}
	if err := ctx.Err(); err != nil {
		return nil, store.AsError(err)
	}
	return open(ctx, scheme, location, o)
}

// Embedded says whether a URL's backend is part of this process, so that there is no
// network before it that could fail.
func Embedded(url string) bool { return strings.HasPrefix(url, "bolt://") }

// Engine is the name of the engine that a URL's scheme picks, "" where there is none.
func Engine(url string) string {
	scheme, _, _ := strings.Cut(url, "://")
	switch _, known := schemes()[scheme]; {
	case !known:
		return ""
	case scheme == "bolt":
		return "bbolt"
	case strings.HasPrefix(scheme, "postgres"):
		return "postgresql"
	default:
		return "redis"
	}
}

func unknown(scheme string, isURL bool) string {
	var forms []string
	for _, name := range slices.Sorted(maps.Keys(schemes())) {
		forms = append(forms, name+"://")
	}
	known := strings.Join(forms, ", ")
	if !isURL {
		return "a backend is given by a URL that begins with one of " + known
	}
	return fmt.Sprintf("there is no backend for %q; a URL begins with one of %s", scheme+"://", known)
}

func openBolt(_ context.Context, _, path string, o Options) (store.Store, error) {
	s, err := boltstore.Open(boltstore.Options{
		Path: path, Name: o.Name, Limits: o.Limits, Retention: o.Retention, Logger: o.Logger,
	})
	if err != nil {
		return nil, err // not s: a nil *Store is no nil store.Store
	}
	return s, nil
}
