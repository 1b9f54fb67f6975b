package storetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"larder/internal/store"
)

func messageTests() []test {
	return []test{
		{name: "a message comes as it was published", run: messageRoundTrip},
		{name: "the largest payload is one", run: largestPayload},
		{name: "one publisher's messages come in their order", run: messageOrder},
		{name: "each subscription gets a message once", run: messageOnce},
		{name: "patterns match whole channels by their characters", run: messagePatterns},
		{name: "odd channels are channels", run: oddChannels},
		{name: "what was published before is not delivered", run: messagesBefore},
		{name: "a subscription is in effect when it has been made", run: subscribedAtOnce},
		{name: "bad channels and payloads are refused", run: badChannelsRefused},
		{name: "channels that are not UTF-8 are refused", needs: []Topic{InvalidText}, run: channelsNotUTF8Refused},
		{name: "a thousand subscribers get everything", run: manySubscribers},
		{name: "one that does not keep up is dropped, and no other waits", run: slowSubscriber},
		{name: "a closed subscription has ended", run: closedSubscription},
		{name: "a subscription ends with its context", run: subscriptionOfContext},
		{name: "waiting ends with its context, the subscription does not", run: messageWaitCanceled},
		{name: "closing the store ends its subscriptions", run: closingEndsSubscriptions},
		{name: "stores over one engine share their messages", needs: []Topic{beside}, run: messagesBeside},
		{name: "closing one store leaves the subscriptions of others", needs: []Topic{beside}, run: closingOneOfTwo},
	}
}

func messageRoundTrip(x *subject) {
	all := x.subscribe("*")
	for i, text := range []string{
		`null`, `true`, `0`, `9007199254740993`, `1e300`, `""`, `"a\"b\\c\n"`, `"🙂\u2028"`, `[]`, `{}`, `[1,[2,{"a":null}]]`,
		`{"b":1.5,"a":{"é":"e"}}`, `" "`, `"data: x\n\n"`, `"` + strings.Repeat("x", 100_000) + `"`,
	} {
		channel, payload := fmt.Sprintf("round %d", i), string(doc(text).Data)
		x.publish(channel, payload)
		m := x.message(all)
		if m.Channel != channel || string(m.Payload) != payload {
			x.Fatalf("on %q came %.100q, want on %q %.100q", m.Channel, m.Payload, channel, payload)
		}
		if m.PublishedAt.IsZero() || m.PublishedAt.Location() != time.UTC {
			x.Fatalf("the message was published at %v", m.PublishedAt)
		}
	}
}

func largestPayload(x *subject) {
	s := x.subscribe("c")
	largest := `"` + strings.Repeat("x", x.limits.MaxValueBytes-2) + `"`
	for range 3 {
		x.publish("c", largest)
		if m := x.message(s); string(m.Payload) != largest {
			x.Fatalf("a payload of %d bytes came with %d", len(largest), len(m.Payload))
		}
	}
}

func messageOrder(x *subject) {
	const publishers, messages = 3, 60
	all, one := x.subscribe("p*"), x.subscribe("p1/0")
	var wg sync.WaitGroup
	defer wg.Wait()
	for p := range publishers {
		wg.Go(func() {
			for n := range messages { // over several channels
				if err := x.pubsub().Publish(x.Context(), fmt.Sprintf("p%d/%d", p, n%3), []byte(number(n))); err != nil {
					x.Errorf("Publish: %v", err)
				}
			}
		})
	}
	next := map[string]int{}
	for range publishers * messages {
		m := x.message(all)
		publisher, _, _ := strings.Cut(m.Channel, "/")
		if got, want := string(m.Payload), number(next[publisher]); got != want {
			x.Fatalf("on %q came %s, want %s", m.Channel, got, want)
		}
		next[publisher]++
	}
	for n := 0; n < messages; n += 3 {
		x.expectMessage(one, "p1/0", number(n))
	}
}

func messageOnce(x *subject) {
	patterns := []string{"a/b", "a/b", "*", "*", "a/*", "*b", "a?b", "???", "a*b*", "**"}
	var subscriptions []store.Subscription
	for _, pattern := range patterns {
		subscriptions = append(subscriptions, x.subscribe(pattern))
	}
	for n := range 20 {
		x.publish("a/b", number(n))
		x.publish("other", number(n))
	}
	x.publish("a/b", `"last"`)
	for i, s := range subscriptions {
		for n := range 20 {
			x.expectMessage(s, "a/b", number(n))
			if strings.HasPrefix(patterns[i], "*") && patterns[i] != "*b" {
				x.expectMessage(s, "other", number(n))
			}
		}
		x.expectMessage(s, "a/b", `"last"`)
	}
}

func messagePatterns(x *subject) {
	channels := []string{
		"a", "b", "aa", "ab", "abc", "a.b", "a.b.c", "é", "éé", "🙂", "a🙂b", "e\u0301", "*", "a*", "a*b", "?", "a?b", `\`, `a\b`, "[a]", "[ab]", "[^a]", "[!a]", "a[b", "a]b", "a-c", "^", "{a,b}", "A", " ", "a b", "%", "_",
	}
	patterns := []string{
		"*", "?", "??", "???", "a", "a*", "*a", "*b", "a?", "a?b", "a*b", "a*c", "?*", "*?", "*.*", "a.*.*", "é", "é?", "?🙂?", "*\u0301", `\*`, `a\*`, `a\*b`, `a\**`, `\?`, `a\?b`, `\\`, `a\\b`, `\a`, `*\\*`, "[a]", "[ab]", "[^a]", "[!a]", "[*", "*[*", "*]*", "a-c", "[a-c]", "^", "{a,b}", "{*}", "A", "% ", "%", "_",
	}
	subscriptions := make([]store.Subscription, len(patterns))
	for i, pattern := range patterns {
		subscriptions[i] = x.subscribe(pattern)
	}
	for round := range 2 { // the second shows that the first brought no more
		for _, channel := range channels {
			x.publish(channel, number(round))
		}
		for i, s := range subscriptions {
			pattern, err := store.ParseChannelPattern(patterns[i])
			x.expect(patterns[i], err, "")
			for _, channel := range channels {
				if pattern.Match(channel) {
					x.expectMessage(s, channel, number(round))
				}
			}
		}
	}
}

// literally is the pattern that matches only this channel.
func literally(channel string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`).Replace(channel)
}

func oddChannels(x *subject) {
	var channels []string
	for _, key := range oddKeys() {
		if len(key) <= store.MaxChannelBytes {
			channels = append(channels, key)
		}
	}
	channels = append(channels, strings.Repeat("*", store.MaxChannelBytes), strings.Repeat("€", store.MaxChannelBytes/3))
	subscriptions := make([]store.Subscription, len(channels))
	for i, channel := range channels {
		subscriptions[i] = x.subscribe(literally(channel))
	}
	for round := range 2 {
		for i, channel := range channels {
			x.publish(channel, number(i))
			x.expectMessage(subscriptions[i], channel, number(i))
			if round == 0 && i == 50 {
				subscriptions[0].Close()
				subscriptions[0] = x.subscribe(literally(channels[0]))
			}
		}
	}
}

// messagesBefore has each message come to somebody before others subscribe, so that
// it is not under way any more.
func messagesBefore(x *subject) {
	var all []store.Subscription
	for i, pattern := range []string{"c", "c", "*", "c"} {
		all = append(all, x.subscribe(pattern))
		x.publish("c", number(i))
		for _, s := range all {
			x.expectMessage(s, "c", number(i))
		}
	}
}

// subscribedAtOnce has subscriptions with few patterns come and go beside each
// other, and whoever has made one hear itself.
func subscribedAtOnce(x *subject) {
	const clients, rounds = 8, 15
	patterns := []string{"c", "*", "c*", "d", "?"}
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for round := range rounds {
				pattern := patterns[(c+round)%len(patterns)]
				channel, own := strings.NewReplacer("*", "c", "?", "d").Replace(pattern), fmt.Sprintf(`"%d-%d"`, c, round)
				if err := x.hears(pattern, channel, own); err != nil {
					x.Errorf("client %d, round %d: %v", c, round, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func badChannelsRefused(x *subject) {
	channels := []string{
		"", ".", "..", "\x00", "a\x00b", "\n", "a\tb", "\r", "\x7f", "\u0080", "a\u0085b",
		strings.Repeat("k", store.MaxChannelBytes+1), strings.Repeat("€", store.MaxChannelBytes/3+1),
	}
	x.refuseChannels(channels)
	for _, pattern := range []string{`\`, `a\`, `*\`, "*\n", "?\x7f", strings.Repeat("*", store.MaxPatternBytes+1)} {
		_, err := x.pubsub().Subscribe(x.Context(), pattern)
		x.expect(fmt.Sprintf("the pattern %.40q", pattern), err, store.InvalidChannel)
	}
	all := x.subscribe("*")
	x.expect("no payload", x.pubsub().Publish(x.Context(), "c", nil), store.InvalidJSON)
	large := `"` + strings.Repeat("x", x.limits.MaxValueBytes-1) + `"`
	x.expect("a payload that is too large", x.pubsub().Publish(x.Context(), "c", []byte(large)), store.TooLarge)
	x.publish("c", `1`)
	x.expectMessage(all, "c", `1`)
}

func channelsNotUTF8Refused(x *subject) { x.refuseChannels(textsNotUTF8()) }

func (x *subject) refuseChannels(channels []string) {
	for _, channel := range channels {
		what := fmt.Sprintf("the channel %.40q", channel)
		x.expect(what, x.pubsub().Publish(x.Context(), channel, []byte(`1`)), store.InvalidChannel)
		_, err := x.pubsub().Subscribe(x.Context(), channel)
		x.expect("subscribing to "+what, err, store.InvalidChannel)
	}
}

func manySubscribers(x *subject) {
	const many, messages = 1000, 3
	patterns := []string{"news", "*", "n*", "ne?s", "news", `\news`}
	subscriptions := make([]store.Subscription, many)
	var wg sync.WaitGroup
	for some := range slices.Chunk(indexes(many), many/20) {
		wg.Go(func() {
			for _, i := range some {
				s, err := x.pubsub().Subscribe(x.Context(), patterns[i%len(patterns)])
				if err != nil {
					x.Errorf("subscriber %d: %v", i, err)
					continue
				}
				subscriptions[i] = s
			}
		})
	}
	wg.Wait()
	if x.Failed() {
		return
	}
	for n := range messages {
		x.publish("news", number(n))
	}
	for _, s := range subscriptions {
		for n := range messages {
			x.expectMessage(s, "news", number(n))
		}
		s.Close()
	}
}

func indexes(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func messagesBeside(x *subject) {
	other := x.beside()
	here, there := x.subscribe("c*"), other.subscribe("*")
	for n := range 20 {
		x.publish("c/here", number(n))
		other.publish("c/there", number(n))
	}
	for _, s := range []store.Subscription{here, there} {
		next := map[string]int{}
		for range 40 {
			m := x.message(s)
			if got, want := string(m.Payload), number(next[m.Channel]); got != want {
				x.Fatalf("on %q came %s, want %s", m.Channel, got, want)
			}
			next[m.Channel]++
		}
		if next["c/here"] != 20 || next["c/there"] != 20 {
			x.Fatalf("there came %v", next)
		}
	}
}
