package storetest

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"larder/internal/store"
)

// pubsub is what the store sends and receives messages by.
func (x *subject) pubsub() store.PubSub {
	channels, _ := store.As[store.PubSub](x.s)
	return channels
}

func (x *subject) patience() time.Duration { return cmp.Or(x.h.patience, patience) }

// beside opens a second store, which is closed with the first.
func (x *subject) beside() *subject {
	x.Helper()
	other := &subject{T: x.T, h: x.h, s: x.h.Beside(x.T, x.s), limits: x.limits}
	x.Cleanup(func() {
		if !other.closed {
			x.expect("Close", other.s.Close(), "")
		}
	})
	return other
}

// subscribe begins a subscription that lasts as long as the test.
func (x *subject) subscribe(pattern string) store.Subscription {
	x.Helper()
	s, err := x.pubsub().Subscribe(x.Context(), pattern)
	x.expect(fmt.Sprintf("Subscribe(%q)", pattern), err, "")
	return s
}

func (x *subject) publish(channel, payload string) {
	x.Helper()
	ctx, cancel := context.WithTimeout(x.Context(), x.patience())
	defer cancel()
	x.expect(fmt.Sprintf("Publish(%q)", channel), x.pubsub().Publish(ctx, channel, []byte(payload)), "")
}

func (x *subject) next(s store.Subscription) (store.Message, error) {
	ctx, cancel := context.WithTimeout(x.Context(), x.patience())
	defer cancel()
	return s.Next(ctx)
}

// message reads what has to come. No link is broken here, so there are no gaps.
func (x *subject) message(s store.Subscription) store.Message {
	x.Helper()
	m, err := x.next(s)
	x.expect("Next", err, "")
	if m.Gap {
		x.Fatal("there is a gap")
	}
	return m
}

func (x *subject) expectMessage(s store.Subscription, channel, payload string) {
	x.Helper()
	if m := x.message(s); m.Channel != channel || string(m.Payload) != payload {
		x.Fatalf("on %q came %.100q, want on %q %.100q", m.Channel, m.Payload, channel, payload)
	}
}

// hears subscribes, publishes, and reads until that comes.
func (x *subject) hears(pattern, channel, payload string) error {
	ctx, cancel := context.WithTimeout(x.Context(), x.patience())
	defer cancel()
	s, err := x.pubsub().Subscribe(ctx, pattern)
	if err != nil {
		return fmt.Errorf("subscribing to %q: %w", pattern, err)
	}
	defer s.Close()
	if err := x.pubsub().Publish(ctx, channel, []byte(payload)); err != nil {
		return fmt.Errorf("publishing on %q: %w", channel, err)
	}
	for {
		m, err := s.Next(ctx)
		if err != nil {
			return fmt.Errorf("waiting for %s as %q: %w", payload, pattern, err)
		}
		if m.Channel == channel && string(m.Payload) == payload {
			return nil
		}
	}
}

// ends makes sure that a subscription has ended, for good.
func (x *subject) ends(s store.Subscription, code store.Code) {
	x.Helper()
	for range 2 {
		ctx, cancel := context.WithTimeout(x.Context(), x.patience())
		_, err := s.Next(ctx)
		inVain := ctx.Err()
		cancel()
		if inVain != nil {
			x.Fatalf("waited %s in vain for the end of a subscription", x.patience())
		}
		x.expect("a subscription that has ended", err, code)
	}
}

// slowSubscriber has one not read at all, and one keep up with what is published.
func slowSubscriber(x *subject) {
	slow, idle := x.subscribe("c"), x.subscribe("*")
	fast, apart := x.subscribe("*"), x.subscribe("d")
	for n := range 2 * store.MaxWaitingMessages {
		x.publish("c", number(n))
		x.expectMessage(fast, "c", number(n))
	}
	x.publish("d", `"still"`)
	x.expectMessage(fast, "d", `"still"`)
	x.expectMessage(apart, "d", `"still"`)
	for _, s := range []store.Subscription{slow, idle} {
		n := 0
		for ; n < 2*store.MaxWaitingMessages; n++ {
			m, err := x.next(s)
			if err != nil {
				x.expect("Next of one that is slow", err, store.SlowConsumer)
				break
			}
			if m.Gap || m.Channel != "c" || string(m.Payload) != number(n) {
				x.Fatalf("on %q came %s (gap %v), want %d", m.Channel, m.Payload, m.Gap, n)
			}
		}
		x.ends(s, store.SlowConsumer)
		if n > store.MaxWaitingMessages {
			x.Fatalf("%d messages waited", n)
		}
		s.Close()
	}
	x.expect("hearing again", x.hears("c", "c", `"again"`), "")
}

func closedSubscription(x *subject) {
	closed, other := x.subscribe("c"), x.subscribe("c")
	x.publish("c", `1`)
	x.expectMessage(other, "c", `1`)
	closed.Close()
	closed.Close()
	x.ends(closed, store.Canceled)
	x.publish("c", `2`)
	x.expectMessage(other, "c", `2`)

	waits := x.subscribe("d")
	done := make(chan error, 1)
	go func() {
		_, err := waits.Next(x.Context())
		done <- err
	}()
	waits.Close()
	x.expect("waiting while it is closed", <-done, store.Canceled)
}

func subscriptionOfContext(x *subject) {
	short, stop := context.WithTimeout(x.Context(), 30*time.Millisecond)
	defer stop()
	s, err := x.pubsub().Subscribe(short, "c")
	if err == nil { // else it took that long
		x.ends(s, store.Timeout)
	} else {
		x.expect("Subscribe", err, store.Timeout)
	}

	ctx, cancel := context.WithCancel(x.Context())
	s, err = x.pubsub().Subscribe(ctx, "c")
	x.expect("Subscribe", err, "")
	other := x.subscribe("c")
	cancel()
	x.ends(s, store.Canceled)
	x.publish("c", `1`)
	x.expectMessage(other, "c", `1`)
}

func messageWaitCanceled(x *subject) {
	s := x.subscribe("c")
	short, stop := context.WithTimeout(x.Context(), 10*time.Millisecond)
	defer stop()
	_, err := s.Next(short)
	x.expect("waiting past a deadline", err, store.Timeout)
	gone, cancel := context.WithCancel(x.Context())
	cancel()
	_, err = s.Next(gone)
	x.expect("waiting for one who went away", err, store.Canceled)
	x.publish("c", `1`)
	x.expectMessage(s, "c", `1`)
}

func closingEndsSubscriptions(x *subject) {
	var all []store.Subscription
	for _, pattern := range []string{"c", "*", "c?", "d"} {
		all = append(all, x.subscribe(pattern))
	}
	x.publish("c", `1`)
	x.closed = true
	x.expect("Close", x.s.Close(), "")
	for _, s := range all {
		x.ends(s, store.Unavailable)
		s.Close()
		x.ends(s, store.Unavailable)
	}
}

func closingOneOfTwo(x *subject) {
	other := x.beside()
	here, there := x.subscribe("c"), other.subscribe("c")
	other.closed = true
	x.expect("Close", other.s.Close(), "")
	x.ends(there, store.Unavailable)
	x.publish("c", `1`)
	x.expectMessage(here, "c", `1`)
}
