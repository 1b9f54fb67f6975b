package redisstore

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"larder/internal/store"
)

// wire is what messages look like to the server:
//
//	P{N}:ch:CHANNEL    a channel
//	P{N}:probe:ID      one that is larder's own
//	MICROS PAYLOAD     a message: when it was published, and canonical JSON
//
// P is the prefix, which the brace ends, and N the database, since Redis's channels
// know nothing of those.
type wire struct {
	channels string // "P{N}:ch:"
	probes   string // "P{N}:probe:"
}

func newWire(prefix string, db int) wire {
	base := prefix + "{" + strconv.Itoa(db) + "}:"
	return wire{channels: base + "ch:", probes: base + "probe:"}
}

// route is what is subscribed to on the server: a channel, or all that match a
// glob. Patterns that differ may have the same route.
type route struct {
	glob bool
	name string
}

func (w wire) channel(name string) string { return w.channels + name }

// route gives what to subscribe to for a pattern. Redis's globs go by bytes, and
// take a time that grows with the number of their *, so the server is told the two
// ends of a pattern only; what lies between is for store.Fanout to match.
func (w wire) route(pattern store.ChannelPattern) route {
	if channel, one := pattern.Channel(); one {
		return route{name: w.channel(channel)}
	}
	prefix, suffix := pattern.Ends()
	return route{glob: true, name: escapeGlob(w.channel(prefix)) + "*" + escapeGlob(suffix)}
}

// escapeGlob has a glob match a text as it is.
func escapeGlob(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(text)
}

func encodeMessage(payload []byte, at time.Time) string {
	var b strings.Builder
	b.Grow(len(payload) + 20)
	b.WriteString(strconv.FormatInt(micros(at), 10))
	b.WriteByte(' ')
	b.Write(payload)
	return b.String()
}

// message reads what came on a channel of the server's.
func (w wire) message(channel, text string) (store.Message, error) {
	name, known := strings.CutPrefix(channel, w.channels)
	at, payload, found := strings.Cut(text, " ")
	published, err := strconv.ParseInt(at, 10, 64)
	if !known || !found || err != nil || payload == "" || store.ValidateChannel(name) != nil {
		return store.Message{}, fmt.Errorf("a message of %d bytes begins with %.20q", len(text), at)
	}
	return store.Message{Channel: name, Payload: []byte(payload), PublishedAt: timeFromMicros(published)}, nil
}

// here is the time by this gateway's clock.
func (s *Store) here() time.Time {
	if s.options.Now != nil {
		return s.options.Now()
	}
	return time.Now()
}
