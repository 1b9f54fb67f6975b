package redisstore

import (
	"sync"
	"sync/atomic"
	"time"
)

// contact is what is known of a shard's server from its answers.
//
// A server sends on one connection what it answers and, before any later answer, what
// of the copies has changed. So an answer to what was asked at some time shows that
// nothing is missing that was committed before that time.
type contact struct {
	began    time.Time    // of the store; times are since then, by the monotonic clock
	asked    atomic.Int64 // ns: when what was answered last was asked; 0: nothing has been
	renewing atomic.Bool  // somebody asks, while the last answer still counts

	mu       sync.Mutex
	readings reading
}

// reading is what the server's clock showed, at some time after it was asked.
type reading struct {
	asked  time.Time
	micros int64 // since 1970
}

// answered takes note of an answer to what was asked then.
func (c *contact) answered(asked time.Time) {
	since := int64(asked.Sub(c.began))
	for {
		last := c.asked.Load()
		if since <= last {
			return
		}
		if c.asked.CompareAndSwap(last, since) {
			c.renewing.Store(false)
			return
		}
	}
}

// last is when what has been answered was asked; zero where nothing was.
func (c *contact) last() time.Time {
	since := c.asked.Load()
	if since == 0 {
		return time.Time{}
	}
	return c.began.Add(time.Duration(since))
}

// renews says whether it is for the caller to ask, so that others need not: once for
// every answer.
func (c *contact) renews() bool { return c.renewing.CompareAndSwap(false, true) }

// saw takes note of the time that the server told in an answer.
func (c *contact) saw(asked time.Time, micros int64) {
	c.answered(asked)
	c.mu.Lock()
	defer c.mu.Unlock()
	if asked.After(c.readings.asked) {
		c.readings = reading{asked, micros}
	}
}

// latest is the latest that the server's clock can show now. It is known for as long
// as the clock is trusted to go on as it was seen: one that is set forward then lets
// an entry live that much longer.
func (c *contact) latest(now time.Time) (micros int64, known bool) {
	const trust = time.Second
	c.mu.Lock()
	defer c.mu.Unlock()
	passed := now.Sub(c.readings.asked)
	return c.readings.micros + passed.Microseconds() + 1, !c.readings.asked.IsZero() && passed < trust
}
