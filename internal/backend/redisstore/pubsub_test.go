package redisstore

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"larder/internal/store"
	"larder/internal/testenv"
)

// TestOneConnectionReceivesForAll has a thousand subscribe, to the same and to
// hundreds of other things.
func TestOneConnectionReceivesForAll(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t, testenv.RedisOptions{})
	f := openOn(t, server.URL)
	if n := receivers(t, server); n != 0 {
		t.Errorf("%d connections receive, and nobody subscribes", n)
	}
	var all, news []store.Subscription
	for i := range 250 {
		shared := []store.Subscription{f.subscribe("news"), f.subscribe("n?*s")}
		own := []store.Subscription{f.subscribe(fmt.Sprintf("own/%d", i)), f.subscribe(fmt.Sprintf("*/%d", i))}
		f.publish(fmt.Sprintf("own/%d", i), strconv.Itoa(i))
		for _, s := range own {
			comes(t, s, fmt.Sprintf("own/%d", i), strconv.Itoa(i))
		}
		news = append(news, shared...)
		all = append(all, own...)
	}
	if _, figures := inspect(t, f.Store); figures["subscriptions"] != 1000 || figures["published_messages_total"] != 250 {
		t.Errorf("the figures are %v", figures)
	}
	f.publish("news", `"good"`)
	for _, s := range news {
		comes(t, s, "news", `"good"`)
	}
	if n := receivers(t, server); n != 1 {
		t.Errorf("%d connections receive for %d subscribers", n, len(all)+len(news))
	}
	if channels, globs := known(t, server); channels != 251 || globs != 251 {
		t.Errorf("the server knows %d channels and %d globs", channels, globs)
	}
	for _, s := range append(all, news...) {
		s.Close()
	}
	poll(t, "the connection to be closed", func() bool { return receivers(t, server) == 0 })
	f.numbers("news", f.subscribe("news"), 0, 10)
	if n := receivers(t, server); n != 1 {
		t.Errorf("%d connections receive for one subscriber", n)
	}
}

// TestServerForgetsWhatNobodyReceives has several share a subscription of the
// server's, which goes with the last of them.
func TestServerForgetsWhatNobodyReceives(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t, testenv.RedisOptions{})
	f := openOn(t, server.URL)
	stays := f.subscribe("stays")
	forgets := func(channels, globs int) func() bool {
		return func() bool {
			c, g := known(t, server)
			return c == channels && g == globs
		}
	}
	first, second, third := f.subscribe("c"), f.subscribe("c"), f.subscribe("c*")
	fourth := f.subscribe("c?") // the same to the server
	if c, g := known(t, server); c != 2 || g != 1 {
		t.Errorf("the server knows %d channels and %d globs, want 2 and 1", c, g)
	}
	first.Close()
	fourth.Close()
	f.numbers("c", second, 0, 3)
	comes(t, third, "c", "0")
	if c, g := known(t, server); c != 2 || g != 1 {
		t.Errorf("with others left the server knows %d channels and %d globs, want 2 and 1", c, g)
	}
	third.Close()
	poll(t, "the glob to be forgotten", forgets(2, 0))
	second.Close()
	poll(t, "the channel to be forgotten", forgets(1, 0))
	f.numbers("stays", stays, 0, 3)
	if p := f.pubsub; len(p.all()) != 1 {
		t.Errorf("the store still knows of %d", len(p.all()))
	}
}

// TestChannelsOfOthers keeps apart what has other prefixes and other databases.
func TestChannelsOfOthers(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t, testenv.RedisOptions{})
	prefixes := []string{"p", "p*", "p?", "pq", `p\q`, "[p]", "p:ch:", "p@1", "P"}
	var all []*fixture
	var subscriptions []store.Subscription
	for _, prefix := range prefixes {
		all = append(all, openOn(t, server.URL, func(o *Options) { o.Prefix = prefix }))
	}
	for _, db := range []string{"1", "2"} {
		all = append(all, openOn(t, strings.TrimSuffix(server.URL, "0")+db, func(o *Options) { o.Prefix = "p" }))
	}
	for _, f := range all {
		subscriptions = append(subscriptions, f.subscribe("*"), f.subscribe("c"), f.subscribe("?"))
	}
	for round := range 3 {
		for i, f := range all {
			f.publish("c", strconv.Itoa(100*round+i))
		}
		for i, s := range subscriptions {
			comes(t, s, "c", strconv.Itoa(100*round+i/3))
		}
	}
}

// TestForeignMessages has somebody else publish on larder's channels.
func TestForeignMessages(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t, testenv.RedisOptions{})
	f := openOn(t, server.URL)
	s := f.subscribe("*")
	for _, text := range []string{"", " ", "x", `{"a":1}`, "1", "1 ", " 1", "-", "9223372036854775808 1", "12.5 1"} {
		server.Do(t, "PUBLISH", "larder{0}:ch:c", text)
	}
	for _, channel := range []string{"larder{0}:ch:", "larder{0}:ch:.", "larder{0}:ch:a\n", "larder{0}:ch:" + strings.Repeat("c", 257), "larder{0}:ch:\xff", "larder{0}:x", "larder{0}:chc", "larder:ch:c"} {
		server.Do(t, "PUBLISH", channel, "1700000000000000 1")
	}
	server.Do(t, "PUBLISH", "larder{0}:ch:c", `1700000000000001 {"from":"elsewhere"}`)
	m := next(t, s)
	if m.Channel != "c" || string(m.Payload) != `{"from":"elsewhere"}` || m.PublishedAt.UnixMicro() != 1700000000000001 {
		t.Errorf("there came %+v", m)
	}
	if n := f.tallies.unreadable.Load(); n != 15 {
		t.Errorf("%d messages were unreadable, want 15", n)
	}
	f.numbers("c", s, 0, 3)
}

// TestNoRightToChannels has a Redis user that may do everything but that.
func TestNoRightToChannels(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t, testenv.RedisOptions{})
	server.Do(t, "ACL", "SETUSER", "ada", "on", ">secret", "~*", "+@all", "resetchannels")
	f := openOn(t, strings.Replace(server.URL, "redis://", "redis://ada:secret@", 1))
	_, err := f.Subscribe(t.Context(), "c")
	fails(t, "subscribing", err, store.Unavailable)
	if e := store.AsError(err); !strings.Contains(e.Detail, "+subscribe +unsubscribe") || !strings.Contains(e.Detail, "allchannels") {
		t.Errorf("the error says %q", e.Detail)
	}
	err = f.Publish(t.Context(), "c", []byte(`1`))
	fails(t, "publishing", err, store.Unavailable)
	if e := store.AsError(err); !strings.Contains(e.Detail, "+publish") {
		t.Errorf("the error says %q", e.Detail)
	}
	server.Do(t, "ACL", "SETUSER", "ada", "&larder{*")
	s := f.subscribe("c")
	f.numbers("c", s, 0, 3)
	s.Close()
	server.Do(t, "ACL", "SETUSER", "ada", "resetchannels", "&larder{0}:probe:*", "&larder{0}:ch:a*") // which may break connections
	poll(t, "a subscription", func() bool {
		s, err = f.Subscribe(t.Context(), "a*")
		return err == nil
	})
	f.numbers("a", s, 0, 3)
	_, err = f.Subscribe(t.Context(), "b")
	fails(t, "subscribing to what is not allowed", err, store.Unavailable)
}

// TestUnknownOutcomeOfPublish loses the server's reply, and then the command.
func TestUnknownOutcomeOfPublish(t *testing.T) {
	t.Parallel()
	proxy, f, other := listenThroughProxy(t)
	s := other.subscribe("c")
	proxy.CutAfterCommand("PUBLISH")
	fails(t, "publishing", f.Publish(t.Context(), "c", []byte(`1`)), store.Ambiguous)
	comes(t, s, "c", `1`)
	proxy.CutBeforeCommand("PUBLISH")
	fails(t, "publishing", f.Publish(t.Context(), "c", []byte(`2`)), store.Ambiguous)
	proxy.Refuse()
	proxy.CutAll()
	poll(t, "the server to be out of reach", func() bool {
		return store.CodeOf(f.Publish(t.Context(), "c", []byte(`3`))) == store.Unavailable
	})
	proxy.Resume()
	f.awaitPublish("c", `4`)
	comes(t, s, "c", `4`)
}
