package redisstore

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/testenv"
)

// listenThroughProxy opens a store by way of a proxy, and another one without.
func listenThroughProxy(t testing.TB, change ...func(o *Options)) (*testenv.RedisProxy, *fixture, *fixture) {
	t.Helper()
	f, proxy := throughProxy(t, change...)
	return proxy, f, open(t, func(o *Options) { o.Prefix = f.options.Prefix })
}

func (f *fixture) subscribe(pattern string) store.Subscription {
	f.t.Helper()
	s, err := f.Subscribe(f.t.Context(), pattern)
	if err != nil {
		f.t.Fatalf("Subscribe(%q): %v", pattern, err)
	}
	return s
}

func (f *fixture) publish(channel, payload string) {
	f.t.Helper()
	if err := f.Publish(f.t.Context(), channel, []byte(payload)); err != nil {
		f.t.Fatalf("Publish(%q): %v", channel, err)
	}
}

// awaitPublish publishes until that succeeds.
func (f *fixture) awaitPublish(channel, payload string) {
	f.t.Helper()
	poll(f.t, "a message to be published", func() bool { return f.Publish(f.t.Context(), channel, []byte(payload)) == nil })
}

// next waits for the next message, a minute at most.
func next(t testing.TB, s store.Subscription) store.Message {
	t.Helper()
	ctx, cancel := contextOf(t, time.Minute)
	defer cancel()
	m, err := s.Next(ctx)
	if err != nil {
		t.Fatalf("Next: %v", err)
	}
	return m
}

// comes fails unless that is the next message.
func comes(t testing.TB, s store.Subscription, channel, payload string) {
	t.Helper()
	if m := next(t, s); m.Gap || m.Channel != channel || string(m.Payload) != payload {
		t.Fatalf("on %q came %.80q (gap %v), want on %q %q", m.Channel, m.Payload, m.Gap, channel, payload)
	}
}

// gapComes reads on until there is a gap.
func gapComes(t testing.TB, s store.Subscription) {
	t.Helper()
	for !next(t, s).Gap {
	}
}

// receivers counts a server's connections that have subscribed to something.
func receivers(t testing.TB, server *testenv.RedisServer) int {
	t.Helper()
	list, _ := server.Do(t, "CLIENT", "LIST", "TYPE", "pubsub").(string)
	return strings.Count(list, "\n")
}

// known is how many channels and globs a server has subscribers for, the probes'
// left out.
func known(t testing.TB, server *testenv.RedisServer) (channels, globs int) {
	t.Helper()
	names, _ := server.Do(t, "PUBSUB", "CHANNELS", "*}:ch:*").([]any)
	n, _ := server.Do(t, "PUBSUB", "NUMPAT").(int64)
	return len(names), int(n)
}

// numbers publishes a row of numbers, and waits for each.
func (f *fixture) numbers(channel string, s store.Subscription, from, to int) {
	f.t.Helper()
	for n := from; n < to; n++ {
		f.publish(channel, strconv.Itoa(n))
		comes(f.t, s, channel, strconv.Itoa(n))
	}
}
