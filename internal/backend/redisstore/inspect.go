package redisstore

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"larder/internal/store"
)

// Inspect asks the servers how they are set up and how they fare. What they keep to
// themselves is told as not told.
func (s *Store) Inspect(ctx context.Context) (store.Inspection, error) {
	l, err := s.enter(ctx)
	if err != nil {
		return store.Inspection{}, err
	}
	at, err := s.survey(ctx, l)
	if err != nil {
		return store.Inspection{}, err
	}
	if len(at) == 0 {
		return store.Inspection{}, s.fail(store.Unavailable, "no node of the Redis Cluster serves larder's slots", nil)
	}
	return store.Inspection{
		Durability: at.durability(s.address.kind),
		Details:    s.details(l, at),
		Figures:    slices.Concat(at.figures(s.address.db), s.connections.figures(), s.tallies.figures(), s.pubsub.figures(), s.cache.figures()),
	}, nil
}

func (s *Store) details(l *link, at survey) map[string]string {
	setting := func(name string) string {
		return at.all(func(v *server) string { return v.setting(name) })
	}
	return map[string]string{
		"server_version":        at.all(func(v *server) string { return v.info["redis_version"] }),
		"deployment":            string(s.address.kind),
		"servers":               strconv.Itoa(len(at)),
		"role":                  at.all((*server).role),
		"replicas":              strconv.Itoa(int(at.sum(func(v *server) float64 { return v.number("connected_slaves") }))),
		"prefix":                s.options.Prefix,
		"shards":                strconv.Itoa(len(l.shards)),
		"appendonly":            at.all(func(v *server) string { return yesOrNo(v.appendOnly()) }),
		"appendfsync":           setting("appendfsync"),
		"save":                  setting("save"),
		"min_replicas_to_write": setting("min-replicas-to-write"),
		"maxmemory":             at.all((*server).maxMemory),
		"maxmemory_policy":      at.all(func(v *server) string { return v.info["maxmemory_policy"] }),
		"cache":                 s.cacheDetail(),
	}
}

func (v *server) role() string {
	if v.info["role"] == "slave" {
		return "replica"
	}
	return v.info["role"]
}

func (v *server) maxMemory() string {
	if v.number("maxmemory") == 0 {
		return "none"
	}
	return v.info["maxmemory"]
}

func (s *Store) cacheDetail() string {
	if s.cache == nil {
		return "off"
	}
	return fmt.Sprintf("%d bytes for copies, each known to be current at most %s ago", s.options.CacheBytes, s.options.CacheAge)
}

func yesOrNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}
