package pgstore

import (
	"cmp"
	"runtime"
	"time"

	"github.com/rs/zerolog"

	"larder/internal/store"
)

// Options say which database to use and how. All but URL may be zero.
type Options struct {
	// URL is of the database, as libpq has it: several hosts and
	// target_session_attrs are understood, and so are sslmode and the like.
	URL string
	// Schema is where the tables are; it is made where it is missing. "public".
	Schema string
	// ReplicaURLs are of servers that follow this one and answer reads that
	// allow staleness.
	ReplicaURLs []string

	Name      string // of the store, in Info and errors; "postgres"
	Limits    store.Limits
	Retention store.Retention
	Logger    *zerolog.Logger // nil: nothing is logged

	MinConnections int           // kept open; 2
	MaxConnections int           // 10 for each two processors
	ConnectTimeout time.Duration // of one connection; 5 s
	AcquireTimeout time.Duration // how long a request waits for a free connection; 150 ms
	IdleTimeout    time.Duration // after which one is closed; 10 min
	Lifetime       time.Duration // of a connection; 1 h

	// StatementTimeout is what the server bounds a statement to where the
	// request does not bound it more closely; 9.8 s.
	StatementTimeout time.Duration

	// NoGather does each write and each read by itself. It is for
	// measurements, and for a database whose triggers mind.
	NoGather bool

	// SQL allows statements of the caller's own, and SQLURL says as whom they
	// are run; "": as everything else.
	SQL    bool
	SQLURL string

	// Now is the clock; nil: the database's, as it has to be where several
	// gateways share one.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	o.Name = cmp.Or(o.Name, "postgres")
	o.Schema = cmp.Or(o.Schema, "public")
	o.Limits = o.Limits.WithDefaults()
	o.Retention = o.Retention.WithDefaults()
	o.MinConnections = cmp.Or(o.MinConnections, 2)
	o.MaxConnections = max(cmp.Or(o.MaxConnections, DefaultMaxConnections()), o.MinConnections)
	o.ConnectTimeout = cmp.Or(o.ConnectTimeout, 5*time.Second)
	o.AcquireTimeout = cmp.Or(o.AcquireTimeout, 150*time.Millisecond)
	o.IdleTimeout = cmp.Or(o.IdleTimeout, 10*time.Minute)
	o.Lifetime = cmp.Or(o.Lifetime, time.Hour)
	o.StatementTimeout = cmp.Or(o.StatementTimeout, 9800*time.Millisecond)
	if o.Logger == nil {
		nop := zerolog.Nop()
		o.Logger = &nop
	}
	return o
}

// DefaultMaxConnections is 10 for each two processors: a server does not get
// faster by more connections than it has processors and disks to keep busy.
func DefaultMaxConnections() int { return 10 * ((runtime.GOMAXPROCS(0) + 1) / 2) }
