package boltstore

import (
	"sync/atomic"
	"time"
)

// clock is the store's time in µs since 1970. It never goes back, not over a
// restart either, so that what has expired stays so.
type clock struct {
	now    func() time.Time
	latest atomic.Int64
}

// micros reads the clock.
func (c *clock) micros() int64 {
	now := c.now().UnixMicro()
	for {
		latest := c.latest.Load()
		if now <= latest {
			return latest
		}
		if c.latest.CompareAndSwap(latest, now) {
			return now
		}
	}
}

// advance brings the clock to at least a time that the file knows.
func (c *clock) advance(to int64) {
	for {
		latest := c.latest.Load()
		if to <= latest || c.latest.CompareAndSwap(latest, to) {
			return
		}
	}
}
