package store

import (
	"cmp"
	"time"
)

// Retention says how long a store remembers what is gone, and how often it
// clears up. A zero field means the default.
type Retention struct {
	Tombstones time.Duration // how long a deletion is remembered; 7 days
	Interval   time.Duration // between two rounds of clearing up; 1 s
}

// WithDefaults fills the zero fields.
func (r Retention) WithDefaults() Retention {
	return Retention{
		Tombstones: cmp.Or(r.Tombstones, 7*24*time.Hour),
		Interval:   cmp.Or(r.Interval, time.Second),
	}
}
