package store_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"larder/internal/store"
)

func subscribe(t testing.TB, f *store.Fanout, pattern string) store.Subscription {
	t.Helper()
	s, err := f.Subscribe(t.Context(), parsePattern(t, pattern), nil)
	if err != nil {
		t.Fatalf("Subscribe(%q): %v", pattern, err)
	}
	return s
}

// next reads what is there already.
func next(t testing.TB, s store.Subscription) store.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	m, err := s.Next(ctx)
	if err != nil {
		t.Fatalf("Next: %v", err)
	}
	return m
}

// empty makes sure that nothing waits, by sending one thing more.
func empty(t testing.TB, f *store.Fanout, s store.Subscription, channel string) {
	t.Helper()
	f.Deliver(store.Message{Channel: channel, Payload: []byte(`"last"`)})
	if m := next(t, s); string(m.Payload) != `"last"` {
		t.Errorf("there is also %q on %q (gap %v)", m.Payload, m.Channel, m.Gap)
	}
}

func send(f *store.Fanout, channel string, n int) {
	f.Deliver(store.Message{Channel: channel, Payload: strconv.AppendInt(nil, int64(n), 10)})
}

func TestFanoutDeliversByPattern(t *testing.T) {
	f := store.NewFanout("test")
	patterns := map[string][]int{"a": {0, 3}, "b": {1}, "*": {0, 1, 2, 3}, "a*": {0, 2, 3}, "?": {0, 1, 3}, `\*`: {}}
	subscriptions := map[string]store.Subscription{}
	for pattern := range patterns {
		subscriptions[pattern] = subscribe(t, f, pattern)
	}
	twin := subscribe(t, f, "a*")
	if f.Len() != len(patterns)+1 {
		t.Errorf("there are %d subscriptions", f.Len())
	}
	for i, channel := range []string{"a", "b", "aa", "a"} {
		send(f, channel, i)
	}
	for pattern, want := range patterns {
		for _, n := range want {
			if m := next(t, subscriptions[pattern]); string(m.Payload) != strconv.Itoa(n) || m.Gap {
				t.Errorf("%q got %q, want %d", pattern, m.Payload, n)
			}
		}
	}
	for range 3 {
		next(t, twin)
	}
	empty(t, f, twin, "aa")
	empty(t, f, subscriptions[`\*`], "*")
}

func TestFanoutDropsTheSlow(t *testing.T) {
	f := store.NewFanout("test")
	slow, fast := subscribe(t, f, "a"), subscribe(t, f, "*")
	const sent = store.MaxWaitingMessages + 5
	for i := range sent {
		send(f, "a", i)
		if m := next(t, fast); string(m.Payload) != strconv.Itoa(i) {
			t.Fatalf("the fast one got %q, want %d", m.Payload, i)
		}
	}
	if f.Len() != 1 {
		t.Errorf("there are %d subscriptions", f.Len())
	}
	for i := range store.MaxWaitingMessages {
		if m := next(t, slow); string(m.Payload) != strconv.Itoa(i) {
			t.Fatalf("the slow one got %q, want %d", m.Payload, i)
		}
	}
	for range 2 {
		_, err := slow.Next(t.Context())
		if e := store.AsError(err); e == nil || e.Code != store.SlowConsumer || e.Backend != "test" || e.Detail == "" {
			t.Fatalf("the slow one ends with %v", err)
		}
		slow.Close()
	}
	empty(t, f, fast, "b")
}

func TestFanoutBoundsBytes(t *testing.T) {
	f := store.NewFanout("test")
	s := subscribe(t, f, "a")
	large := store.Message{Channel: "a", Payload: make([]byte, store.MaxWaitingBytes+1)}
	for range 3 { // alone it has room
		f.Deliver(large)
		next(t, s)
	}
	half := store.Message{Channel: "a", Payload: make([]byte, store.MaxWaitingBytes/2)}
	f.Deliver(half)
	f.Deliver(half)
	if f.Len() != 1 {
		t.Error("what fits exactly does not fit")
	}
	send(f, "a", 1)
	if f.Len() != 0 {
		t.Error("a full queue takes more")
	}
}

func TestFanoutTellsGaps(t *testing.T) {
	f := store.NewFanout("test")
	a, all := subscribe(t, f, "a"), subscribe(t, f, "*")
	f.Gap()
	f.Gap()
	send(f, "a", 1)
	f.Gap()
	for _, s := range []store.Subscription{a, all} {
		for i, gap := range []bool{true, false, true} {
			if m := next(t, s); m.Gap != gap || gap == (m.Channel == "a") {
				t.Errorf("%d is %+v", i, m)
			}
		}
	}
	empty(t, f, a, "a")
}

func TestSubscriptionEnds(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	late, stop := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer stop()
	for _, c := range []struct {
		name string
		end  func(f *store.Fanout, s store.Subscription, cancel func())
		code store.Code
	}{
		{"closed", func(_ *store.Fanout, s store.Subscription, _ func()) { s.Close() }, store.Canceled},
		{"its context ends", func(_ *store.Fanout, _ store.Subscription, cancel func()) { cancel() }, store.Canceled},
		{"the store is closed", func(f *store.Fanout, _ store.Subscription, _ func()) { f.Close() }, store.Unavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := store.NewFanout("test")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var left atomic.Int32
			gone := make(chan struct{})
			s, err := f.Subscribe(ctx, parsePattern(t, "*"), func() { left.Add(1); close(gone) })
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Next(canceled); !errors.Is(err, store.Canceled) {
				t.Errorf("waiting for one who went away gives %v", err)
			}
			if _, err := s.Next(late); !errors.Is(err, store.Timeout) {
				t.Errorf("waiting past a deadline gives %v", err)
			}
			send(f, "a", 1)
			c.end(f, s, cancel)
			<-gone
			s.Close()
			f.Close()
			for range 2 { // what waited is gone too
				if _, err := s.Next(t.Context()); !errors.Is(err, c.code) {
					t.Errorf("it ends with %v, want %s", err, c.code)
				}
			}
			if left.Load() != 1 || f.Len() != 0 {
				t.Errorf("it has left %d times, and %d are there", left.Load(), f.Len())
			}
		})
	}
}

func TestFanoutRefuses(t *testing.T) {
	f := store.NewFanout("test")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Subscribe(ctx, parsePattern(t, "*"), nil); !errors.Is(err, store.Canceled) {
		t.Errorf("for one who went away: %v", err)
	}
	f.Close()
	f.Close()
	if _, err := f.Subscribe(t.Context(), parsePattern(t, "*"), nil); !errors.Is(err, store.Unavailable) {
		t.Errorf("once it is closed: %v", err)
	}
	send(f, "a", 1)
	f.Gap()
}

// TestFanoutKeepsEachPublishersOrder has many publish while others come and go.
func TestFanoutKeepsEachPublishersOrder(t *testing.T) {
	const publishers, messages, readers = 4, 200, 8
	f := store.NewFanout("test")
	ctx, fail := context.WithCancel(t.Context())
	defer fail()
	var reading, publishing sync.WaitGroup
	read := make(chan struct{})
	for range readers {
		s := subscribe(t, f, "*")
		reading.Go(func() {
			defer s.Close()
			last := map[string]int{}
			for range publishers * messages {
				m, err := s.Next(ctx)
				n, wrong := strconv.Atoi(string(m.Payload))
				if err != nil || wrong != nil || n != last[m.Channel] {
					t.Errorf("on %q came %q (%v), want %d", m.Channel, m.Payload, err, last[m.Channel])
					fail()
					return
				}
				last[m.Channel]++
				select {
				case read <- struct{}{}:
				case <-ctx.Done():
				}
			}
		})
	}
	for p := range publishers {
		publishing.Go(func() {
			for n := range messages {
				passing, err := f.Subscribe(ctx, parsePattern(t, "*"), nil)
				if err != nil {
					t.Errorf("Subscribe: %v", err)
					return
				}
				send(f, fmt.Sprint("p", p), n)
				passing.Close()
				for range readers { // so that nobody is far behind
					select {
					case <-read:
					case <-ctx.Done():
					}
				}
			}
		})
	}
	publishing.Wait()
	reading.Wait()
	if f.Len() != 0 {
		t.Errorf("%d are left", f.Len())
	}
}
