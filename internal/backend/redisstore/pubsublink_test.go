package redisstore

import (
	"strconv"
	"strings"
	"sync"
	"testing"

	"larder/internal/store"
	"larder/internal/testenv"
)

// TestGapWhereTheLinkBreaks cuts the connection again and again: each time those who
// were there are told, once, and miss nothing after that.
func TestGapWhereTheLinkBreaks(t *testing.T) {
	t.Parallel()
	proxy, f, other := listenThroughProxy(t)
	subscriptions := []store.Subscription{f.subscribe("c"), f.subscribe("c"), f.subscribe("*"), f.subscribe("c*")}
	for round := range 10 {
		before := f.tallies.gaps.Load()
		other.publish("c", `"before"`)
		for _, s := range subscriptions {
			comes(t, s, "c", `"before"`)
		}
		proxy.Refuse()
		proxy.CutAll()
		other.publish("c", `"lost"`)
		if round%2 == 0 {
			poll(t, "subscribing to be refused", func() bool {
				_, err := f.Subscribe(t.Context(), "d")
				return store.CodeOf(err) == store.Unavailable
			})
		}
		proxy.Resume()
		for _, s := range subscriptions {
			if m := next(t, s); !m.Gap {
				t.Fatalf("round %d: on %q came %q, want a gap", round, m.Channel, m.Payload)
			}
		}
		if n := f.tallies.gaps.Load() - before; n != 1 {
			t.Errorf("round %d: there were %d gaps", round, n)
		}
		late := f.subscribe("c")
		other.publish("c", strconv.Itoa(round))
		for _, s := range append(subscriptions, late) {
			comes(t, s, "c", strconv.Itoa(round))
		}
		late.Close()
	}
}

// TestGapWhereTheLinkIsSilent has nothing come through any more, and nothing break.
func TestGapWhereTheLinkIsSilent(t *testing.T) {
	t.Parallel()
	proxy, f, other := listenThroughProxy(t, func(o *Options) { o.ReplyTimeout = 0 })
	s := f.subscribe("c")
	other.numbers("c", s, 0, 3)
	proxy.Stall()
	other.publish("c", `"lost"`)
	poll(t, "subscribing to be refused", func() bool {
		_, err := f.Subscribe(t.Context(), "d")
		return store.CodeOf(err) == store.Unavailable
	})
	proxy.Resume()
	gapComes(t, s)
	other.numbers("c", s, 0, 3)
}

// TestLinkBreaksWhileSubscribing cuts the connection around the command.
func TestLinkBreaksWhileSubscribing(t *testing.T) {
	t.Parallel()
	proxy, f, other := listenThroughProxy(t)
	stays := f.subscribe("stays")
	for round := range 10 {
		channel := strconv.Itoa(round)
		pattern := channel
		if round%2 == 1 {
			pattern += "*"
		}
		var cut sync.Once
		proxy.OnCommand(func(words []string) (c testenv.CommandCut) {
			if strings.HasSuffix(words[len(words)-1], ":"+pattern) {
				cut.Do(func() { c = testenv.LoseCommand })
			}
			return c
		})
		_, err := f.Subscribe(t.Context(), pattern)
		fails(t, "subscribing over a link that breaks", err, store.Unavailable)
		gapComes(t, stays)
		s := f.subscribe(pattern)
		other.publish(channel, `1`)
		comes(t, s, channel, `1`)
	}
}

// TestSubscribersOutliveTheServer kills it and starts it again.
func TestSubscribersOutliveTheServer(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t, testenv.RedisOptions{})
	f := openOn(t, server.URL)
	one, all := f.subscribe("c"), f.subscribe("*")
	for round := range 3 {
		f.numbers("c", one, 0, 3)
		for n := range 3 {
			comes(t, all, "c", strconv.Itoa(n))
		}
		server.Kill(t)
		poll(t, "publishing to be refused", func() bool {
			return store.CodeOf(f.Publish(t.Context(), "c", []byte(`"never"`))) == store.Unavailable
		})
		_, err := f.Subscribe(t.Context(), "d")
		fails(t, "subscribing without a server", err, store.Unavailable)
		server.Start(t)
		gapComes(t, one)
		gapComes(t, all)
		late := f.subscribe("c")
		f.awaitPublish("c", strconv.Itoa(round))
		for _, s := range []store.Subscription{one, all, late} {
			comes(t, s, "c", strconv.Itoa(round))
		}
		late.Close()
		if n := receivers(t, server); n != 1 {
			t.Errorf("%d connections receive", n)
		}
	}
}

// TestSubscribersOutliveAMaster has the sentinels replace it.
func TestSubscribersOutliveAMaster(t *testing.T) {
	t.Parallel()
	servers := testenv.StartSentinel(t, testenv.RedisOptions{})
	f := openOn(t, servers.URL)
	one, all := f.subscribe("c"), f.subscribe("*")
	f.numbers("c", one, 0, 3)
	for n := range 3 {
		comes(t, all, "c", strconv.Itoa(n))
	}
	before := servers.Master(t)
	before.Kill(t)
	servers.AwaitFailover(t, before)
	gapComes(t, one)
	gapComes(t, all)
	f.awaitPublish("c", `"after"`)
	comes(t, one, "c", `"after"`)
	comes(t, all, "c", `"after"`)
}
