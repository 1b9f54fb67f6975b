package redisstore

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"time"
)

// A connection may live and yet receive nothing: it goes to a server that the
// others have lost, such as a master that was replaced while it was cut off from
// its sentinels. So a probe is published now and then, by the way that messages go,
// and has to come by the connection. Both are in terms of Options.ReplyTimeout.
const (
	probeEvery = 4
	deafAfter  = 10 // without the probe
)

var errDeaf = errors.New("what is published does not come through")

// probed is what is known of the probes of one connection.
type probed struct {
	channel string
	sent    int64 // the number of the last
	at      time.Time
	last    atomic.Int64 // of those that were heard
}

func (d *probed) heard(text string) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		d.last.Store(n)
	}
}

// probe sends the next probe, and fails where the last has not come for too long.
func (r *receiver) probe(ctx context.Context) error {
	d := &r.probed
	if d.last.Load() < d.sent {
		if time.Since(d.at) > deafAfter*r.p.s.options.ReplyTimeout {
			return errDeaf
		}
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, r.p.s.options.ReplyTimeout)
	defer cancel()
	client := r.p.s.link.Load().client // in a Cluster any node, not always the same
	next := d.sent + 1
	published := client.Do(bounded, client.B().Publish().Channel(d.channel).Message(strconv.FormatInt(next, 10)).Build())
	if published.Error() == nil { // else it says nothing of the connection
		d.sent, d.at = next, time.Now()
	}
	return nil
}
