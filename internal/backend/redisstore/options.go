package redisstore

import (
	"cmp"
	"time"

	"github.com/rs/zerolog"

	"larder/internal/store"
)

// Options say which Redis to use and how. All but URL may be zero.
type Options struct {
	// URL is of the server, of its Sentinels, or of nodes of a Cluster; see
	// parseAddress.
	URL string
	// Prefix begins the names of all keys; "larder". It has no braces.
	Prefix string
	// Shards is how many parts the keys are spread over, 1 to MaxShards. It is
	// fixed when the store is made. 0: what the store was made with, or else 1,
	// and DefaultClusterShards in a Cluster.
	Shards int

	Name      string // of the store, in Info and errors; "redis"
	Limits    store.Limits
	Retention store.Retention
	Logger    *zerolog.Logger // nil: nothing is logged

	// CacheBytes is the memory for entries kept in this process; 0: none are.
	CacheBytes int
	// CacheAge is how long ago at most such an entry was the newest; 1 s.
	CacheAge time.Duration

	// CopyLife is how long a copy of another store's entry is kept at most; 1 h.
	CopyLife time.Duration

	// ConnectTimeout bounds the making of a connection; 1 s.
	ConnectTimeout time.Duration
	// ReplyTimeout is how long a server may be silent before the connection
	// counts as broken; 500 ms.
	ReplyTimeout time.Duration
	// ScriptEntries bounds the entries that one script looks at, so that it
	// holds the server up for a millisecond or so; 1,000.
	ScriptEntries int

	// Now is the clock; nil: the server's, as it has to be where several
	// gateways share one.
	Now func() time.Time
}

// The bounds of Options.Shards, and what it is in a Cluster by default.
const (
	MaxShards            = 1024
	DefaultClusterShards = 64
)

func (o Options) withDefaults() Options {
	o.Prefix = cmp.Or(o.Prefix, "larder")
	o.Name = cmp.Or(o.Name, "redis")
	o.Limits = o.Limits.WithDefaults()
	o.Retention = o.Retention.WithDefaults()
	o.CacheAge = cmp.Or(o.CacheAge, time.Second)
	o.CopyLife = cmp.Or(o.CopyLife, time.Hour)
	o.ConnectTimeout = cmp.Or(o.ConnectTimeout, time.Second)
	o.ReplyTimeout = cmp.Or(o.ReplyTimeout, 500*time.Millisecond)
	o.ScriptEntries = cmp.Or(o.ScriptEntries, 1000)
	if o.Logger == nil {
		nop := zerolog.Nop()
		o.Logger = &nop
	}
	return o
}
