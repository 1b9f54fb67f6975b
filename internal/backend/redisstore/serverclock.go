package redisstore

import (
	"sync"
	"time"
)

// clockTrust is how long a server's clock is taken to go on as it was seen: what
// expires by a clock that is then set forward may be served that much longer.
const clockTrust = time.Second

// serverClock is what is known of a server's clock: a moment at which it was read,
// which lies between sending the question and getting the answer.
type serverClock struct {
	mu   sync.Mutex
	sent time.Time // by the monotonic clock of this process
	read int64     // µs since 1970, by the server's
}

// saw takes in what the server said to a question sent then.
func (c *serverClock) saw(sent time.Time, read int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if sent.After(c.sent) {
		c.sent, c.read = sent, read
	}
}

// latest is the latest that it can be there now; known is false where that was last
// seen too long ago.
func (c *serverClock) latest(now time.Time) (micros int64, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	passed := now.Sub(c.sent)
	return c.read + passed.Microseconds() + 1, !c.sent.IsZero() && passed < clockTrust
}
