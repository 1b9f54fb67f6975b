package boltstore

import (
	"cmp"
	"time"

	"github.com/rs/zerolog"

	"larder/internal/store"
)

// Options say which file to open and how. All but Path may be zero.
type Options struct {
	Path      string // of the file; it and its directory are made where they are missing
	Name      string // of the store, in Info and errors; "bolt"
	Limits    store.Limits
	Retention store.Retention

	// LockTimeout is how long to wait for another process that has the file
	// to let go of it; 3 s.
	LockTimeout time.Duration
	// Logger is told what nobody waits for: what the reaper and index builds
	// fail with. nil: nothing is logged.
	Logger *zerolog.Logger
	// Now is the clock; time.Now.
	Now func() time.Time
	// NoSync leaves out every fsync: a crash of the host may then destroy the
	// file. It is for tests and benchmarks only.
	NoSync bool
}

func (o Options) withDefaults() Options {
	o.Name = cmp.Or(o.Name, "bolt")
	o.Limits = o.Limits.WithDefaults()
	o.Retention = o.Retention.WithDefaults()
	o.LockTimeout = cmp.Or(o.LockTimeout, 3*time.Second)
	if o.Logger == nil {
		nop := zerolog.Nop()
		o.Logger = &nop
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}
