package redisstore

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"larder/internal/store"
)

// keepAlive is how often a silent connection is asked whether it lives.
const keepAlive = 250 * time.Millisecond

// How long lies between two tries to connect.
const (
	connectAfter  = 50 * time.Millisecond
	connectAtMost = time.Second
)

// oldestServer is the major version from which on scripts say what they do.
const oldestServer = 7

// validate checks what does not follow from a type.
func (o Options) validate() error {
	wrong := func(field, detail string) error {
		return &store.Error{Code: store.InvalidOperation, Backend: o.Name, Field: field, Detail: detail}
	}
	switch {
	case strings.ContainsAny(o.Prefix, "{}"):
		return wrong("prefix", "a prefix of keys has no braces")
	case o.Shards < 0 || o.Shards > MaxShards:
		return wrong("shards", fmt.Sprintf("a store has 1 to %d shards", MaxShards))
	}
	return nil
}

// clientOption is what the client is told. It repeats nothing by itself: what may
// be repeated is for those to say who know what it is.
func (s *Store) clientOption() rueidis.ClientOption {
	o := s.address.clientOption()
	o.ClientName = "larder"
	o.DisableRetry = true
	o.PipelineMultiplex = -1 // one connection to each server; what is sent together shares it
	o.Dialer = net.Dialer{Timeout: s.options.ConnectTimeout, KeepAlive: keepAlive}
	o.DialCtxFn = s.connections.dial
	o.ConnWriteTimeout = s.options.ReplyTimeout
	o.DisableCache = s.cache == nil
	o.CacheSizeEachConn = s.options.CacheBytes
	o.OnInvalidations = func(keys []rueidis.RedisMessage) {
		if keys == nil && s.cache != nil { // the link broke
			s.cache.emptied.Add(1)
		}
	}
	o.ReadBufferEachConn, o.WriteBufferEachConn = 64<<10, 64<<10
	o.ClusterOption.ShardsRefreshInterval = 5 * time.Second
	if o.Sentinel.MasterSet != "" {
		o.Sentinel.Dialer = o.Dialer
		o.Sentinel.TopologyRefreshInterval = time.Second
	}
	return o
}

// connect makes the link, once the server is one that can be worked with.
func (s *Store) connect(ctx context.Context) error {
	l, err := s.makeLink(ctx)
	if err != nil {
		s.refused.Store(store.AsError(err))
		return err
	}
	s.link.Store(l)
	s.advise(ctx, l)
	return nil
}

func (s *Store) makeLink(ctx context.Context) (*link, error) {
	client, err := rueidis.NewClient(s.clientOption())
	if err != nil {
		return nil, s.connectError(ctx, err)
	}
	l, err := s.greet(ctx, client)
	if err != nil {
		client.Close()
		return nil, err
	}
	return l, nil
}

// connectLoop goes on until there is a link.
func (s *Store) connectLoop() {
	wait := connectAfter
	for {
		timer := time.NewTimer(wait)
		select {
		case <-s.lifetime.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		wait = min(2*wait, connectAtMost)
		err := s.connect(s.lifetime)
		if err == nil {
			s.options.Logger.Info().Msg("Redis has been reached")
			return
		}
		if !passes(err) {
			s.options.Logger.Error().Err(err).Msg("Redis can't be used")
		}
	}
}

// passes says whether an error may pass by itself.
func passes(err error) bool {
	e := store.AsError(err)
	return e.Code == store.Unavailable && e.Field == "" || e.Code == store.Timeout
}

// greet finds out what is there, and makes a new store of what is nothing yet.
func (s *Store) greet(ctx context.Context, client rueidis.Client) (*link, error) {
	if err := s.checkServer(ctx, client); err != nil {
		return nil, err
	}
	count := s.options.Shards
	if count == 0 {
		count = 1
		if client.Mode() == rueidis.ClientModeCluster {
			count = DefaultClusterShards
		}
	}
	// The first tag that is tried is one of the shards' for any number of them.
	first := newShards(s.options.Prefix, 1)[0]
	if err := s.checkRights(ctx, client, &first); err != nil {
		return nil, err
	}
	made, err := s.meta(ctx, client, &first, count)
	if err != nil {
		return nil, err
	}
	if made.format != formatVersion {
		return nil, s.unusable("prefix", fmt.Sprintf("these keys are in format %d, and this larder knows format %d", made.format, formatVersion))
	}
	if s.options.Shards != 0 && made.shards != s.options.Shards {
		return nil, s.unusable("shards", fmt.Sprintf("the store under this prefix was made with %d shards, and that can't be changed; set that number, or none", made.shards))
	}
	l := &link{
		client: client, keyspace: keyspace{shards: newShards(s.options.Prefix, made.shards)},
		contacts: make([]contact, made.shards),
	}
	for i := range l.contacts {
		l.contacts[i].began = time.Now()
	}
	return l, nil
}

// metadata is what a store says of itself.
type metadata struct {
	id             string
	format, shards int
}

// meta reads a shard's metadata, and makes them where there are none.
func (s *Store) meta(ctx context.Context, client rueidis.Client, d *shard, count int) (metadata, error) {
	answer, err := s.scripts.meta.Exec(ctx, client, []string{d.meta}, []string{
		newID(), "format", strconv.Itoa(formatVersion), "shards", strconv.Itoa(count),
	}).AsStrSlice()
	if err != nil {
		return metadata{}, s.refusal(ctx, err)
	}
	m := metadata{}
	if len(answer) == 3 {
		m.id = answer[0]
		m.format, err = strconv.Atoi(answer[1])
		if err == nil {
			m.shards, err = strconv.Atoi(answer[2])
		}
	}
	if err != nil || m.id == "" || m.shards < 1 || m.shards > MaxShards {
		return metadata{}, s.unusable("prefix", "the key "+d.meta+" does not hold what larder writes; another prefix keeps clear of what others keep there")
	}
	return m, nil
}

// newID is one that no other store has.
func newID() string {
	var id [6]byte
	_, _ = rand.Read(id[:]) // it never fails
	return hex.EncodeToString(id[:])
}

// checkServer holds the server to what the URL says that it is, and to what scripts
// need.
func (s *Store) checkServer(ctx context.Context, client rueidis.Client) error {
	text, err := client.Do(ctx, client.B().Info().Section("server", "cluster").Build()).ToString()
	if err != nil {
		return s.connectError(ctx, err)
	}
	told := parseInfo(text)
	inCluster := told["cluster_enabled"] == "1"
	switch {
	case told["redis_mode"] == "sentinel":
		return s.unusable("url", "the server is a sentinel; its URL begins with "+s.address.scheme(sentinel)+" and names the master that it watches")
	case inCluster && s.address.kind != cluster:
		return s.unusable("url", s.nodeOfCluster())
	case inCluster && client.Mode() != rueidis.ClientModeCluster: // it has gone on without
		return s.unusable("url", s.lacks([]string{"cluster|slots", "cluster|shards"}))
	case s.address.kind == cluster && client.Mode() != rueidis.ClientModeCluster:
		return s.unusable("url", s.noCluster())
	}
	version := told["redis_version"]
	major, _, _ := strings.Cut(version, ".")
	if n, err := strconv.Atoi(major); err != nil || n < oldestServer {
		return s.unusable("url", fmt.Sprintf("the server is Redis %q, and larder needs %d.0 or newer", version, oldestServer))
	}
	return nil
}

// eachShard calls for all shards, at the same time where there are several, and
// gives the first error.
func eachShard(l *link, do func(d *shard) error) error {
	if len(l.shards) == 1 {
		return do(&l.shards[0])
	}
	errs := make(chan error, len(l.shards))
	for i := range l.shards {
		go func() { errs <- do(&l.shards[i]) }()
	}
	var all []error
	for range l.shards {
		if err := <-errs; err != nil {
			all = append(all, err)
		}
	}
	if len(all) == 0 {
		return nil
	}
	if e, ok := errors.AsType[*store.Error](all[0]); ok {
		return e
	}
	return all[0]
}
