package backend

import (
	"context"
	"time"

	"larder/internal/backend/redisstore"
	"larder/internal/store"
)

// Redis is what a Redis backend can be told besides. All may be zero;
// redisstore.Options has the defaults.
type Redis struct {
	Prefix         string
	Shards         int
	CacheBytes     int
	CacheAge       time.Duration
	ConnectTimeout time.Duration
	ReplyTimeout   time.Duration
}

func openRedis(ctx context.Context, scheme, location string, o Options) (store.Store, error) {
	s, err := redisstore.Open(ctx, o.redis(scheme+"://"+location))
	if err != nil {
		return nil, err // not s: a nil *Store is no nil store.Store
	}
	return s, nil
}

func (o Options) redis(url string) redisstore.Options {
	r := o.Redis
	return redisstore.Options{
		URL: url, Prefix: r.Prefix, Shards: r.Shards,
		Name: o.Name, Limits: o.Limits, Retention: o.Retention, Logger: o.Logger,
		CacheBytes: r.CacheBytes, CacheAge: r.CacheAge,
		ConnectTimeout: r.ConnectTimeout,
		ReplyTimeout:   r.ReplyTimeout,
	}
}
