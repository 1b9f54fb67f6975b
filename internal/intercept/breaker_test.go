package intercept_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"larder/internal/intercept"
	"larder/internal/store"
)

// broken is a breaker before a store, and what it has been.
type broken struct {
	*scripted
	store.Store
	breaker *intercept.Breaker
	changes []intercept.State
}

func newBroken(o intercept.BreakerOptions) *broken {
	b := &broken{scripted: &scripted{answer: always("")}}
	o.Backend = "pg"
	o.Changed = func(_, to intercept.State) { b.changes = append(b.changes, to) }
	b.breaker = intercept.NewBreaker(o)
	b.Store = intercept.Wrap(b.scripted, b.breaker.Intercept)
	return b
}

// breakOpen fails calls until the breaker is open.
func (b *broken) breakOpen(t *testing.T) {
	t.Helper()
	b.answer = always(store.Unavailable)
	for n := range 100 {
		if b.breaker.State() == intercept.Open {
			return
		}
		if err := get(t.Context(), b.Store); !errors.Is(err, store.Unavailable) {
			t.Fatalf("call %d: %v", n, err)
		}
		<-time.After(50 * time.Millisecond)
	}
	t.Fatal("the breaker does not open")
}

func TestBreakerOpensAndCloses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBroken(intercept.BreakerOptions{})
		began := time.Now()
		b.breakOpen(t)
		if took := time.Since(began); took < 500*time.Millisecond || took > 600*time.Millisecond {
			t.Errorf("it opened after %v", took)
		}
		before := b.calls.Load()
		began = time.Now()
		err := get(t.Context(), b.Store)
		if e := store.AsError(err); e.Code != store.Unavailable || e.Backend != "pg" || e.Detail == "" {
			t.Errorf("an open breaker says %+v", e)
		}
		if b.calls.Load() != before || time.Since(began) != 0 {
			t.Error("a call went through an open breaker, or waited")
		}

		<-time.After(time.Second)
		if err := get(t.Context(), b.Store); !errors.Is(err, store.Unavailable) || b.calls.Load() != before+1 {
			t.Errorf("after its delay %d calls went through, %v", b.calls.Load()-before, err)
		}
		if b.breaker.State() != intercept.Open {
			t.Errorf("after a failure it is %v", b.breaker.State())
		}

		b.answer = always("")
		<-time.After(time.Second)
		for range 3 {
			if err := get(t.Context(), b.Store); err != nil {
				t.Error(err)
			}
		}
		want := []intercept.State{intercept.Open, intercept.HalfOpen, intercept.Open, intercept.HalfOpen, intercept.Closed}
		if !slices.Equal(b.changes, want) {
			t.Errorf("it was %v, not %v", b.changes, want)
		}
	})
}

// TestWhatOpensBreaker has a store fail in one way only.
func TestWhatOpensBreaker(t *testing.T) {
	t.Parallel()
	for code, opens := range map[store.Code]bool{
		store.Unavailable: true, store.Ambiguous: true, store.Internal: true,
		store.Busy: false, store.StorageFull: false, store.Canceled: false, store.Timeout: false, // at once: the caller had no time
		store.NotFound: false, store.VersionMismatch: false, store.InvalidQuery: false, store.BatchFailed: false,
	} {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBroken(intercept.BreakerOptions{})
				b.answer = always(code)
				for range 100 {
					if err := put(t.Context(), b.Store); err == nil {
						t.Fatal("a call did not fail")
					}
					<-time.After(50 * time.Millisecond)
				}
				if got := len(b.changes) > 0; got != opens {
					t.Errorf("it was %v", b.changes)
				}
			})
		})
	}
}

// TestBreakerStaysClosedWhileAnythingGetsThrough: half of it is more than nothing.
func TestBreakerStaysClosedWhileAnythingGetsThrough(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBroken(intercept.BreakerOptions{})
		b.answer = func(_ context.Context, n int64) error {
			if n%40 == 0 {
				return nil
			}
			return &store.Error{Code: store.Unavailable}
		}
		for range 1000 {
			if err := get(t.Context(), b.Store); err != nil && !errors.Is(err, store.Unavailable) {
				t.Error(err)
			}
			<-time.After(10 * time.Millisecond)
		}
		if b.calls.Load() != 1000 || len(b.changes) != 0 {
			t.Errorf("%d of 1000 calls went through, it was %v", b.calls.Load(), b.changes)
		}

		b.answer = always(store.Unavailable)
		began := time.Now()
		for range 200 { // gathered on a connection that breaks
			if err := get(t.Context(), b.Store); !errors.Is(err, store.Unavailable) {
				t.Error(err)
			}
		}
		if len(b.changes) != 0 {
			t.Errorf("it opened within %v", time.Since(began))
		}
	})
}

// TestDeadlineCountsWhereThereWasTime tells a store that does not answer from a caller who
// can't wait.
func TestDeadlineCountsWhereThereWasTime(t *testing.T) {
	t.Parallel()
	for deadline, opens := range map[time.Duration]bool{200 * time.Millisecond: false, 2 * time.Second: true} {
		synctest.Test(t, func(t *testing.T) {
			b := newBroken(intercept.BreakerOptions{})
			b.answer = stuck
			for range 10 {
				ctx, cancel := context.WithTimeout(t.Context(), deadline)
				if err := get(ctx, b.Store); err == nil {
					t.Error("a store that is stuck answers")
				}
				cancel()
			}
			if got := len(b.changes) > 0; got != opens {
				t.Errorf("with deadlines of %v it was %v", deadline, b.changes)
			}
		})
	}
}

func TestHalfOpenBreakerLetsFewThrough(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBroken(intercept.BreakerOptions{Probes: 2})
		b.breakOpen(t)
		<-time.After(time.Second)
		before := b.calls.Load()
		answers := make(chan struct{})
		b.answer = func(ctx context.Context, _ int64) error {
			select {
			case <-answers:
				return nil
			case <-ctx.Done():
				return &store.Error{Code: store.Canceled, Err: ctx.Err()}
			}
		}
		all := func(ctx context.Context, want int) {
			t.Helper()
			var refused, canceled int
			var mu sync.Mutex
			var clients sync.WaitGroup
			for range 10 {
				clients.Go(func() {
					err := get(ctx, b.Store)
					mu.Lock()
					defer mu.Unlock()
					switch store.CodeOf(err) {
					case store.Unavailable:
						refused++
					case store.Canceled:
						canceled++
					}
				})
			}
			synctest.Wait()
			mu.Lock()
			if through := int(b.calls.Load() - before); through != want || refused != 10-2 {
				t.Errorf("%d went through, %d were refused", through, refused)
			}
			mu.Unlock()
			if want == 2 {
				return
			}
			close(answers)
			clients.Wait()
		}
		gone, leave := context.WithCancel(t.Context())
		all(gone, 2)
		leave()
		synctest.Wait()
		if b.breaker.State() != intercept.HalfOpen {
			t.Errorf("after callers that went away it is %v", b.breaker.State())
		}
		all(t.Context(), 4) // their places are free again
		if b.breaker.State() != intercept.Closed {
			t.Errorf("after a success it is %v", b.breaker.State())
		}
	})
}

// TestBreakerLetsBeWhatIsApart: who asks how a store is has to be told.
func TestBreakerLetsBeWhatIsApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBroken(intercept.BreakerOptions{Delay: time.Hour})
		b.breakOpen(t)
		b.answer = always("")
		if err := b.Store.Ping(t.Context()); err != nil {
			t.Errorf("ping: %v", err)
		}
		if _, err := b.Store.Changes(t.Context(), store.Changes{Wait: time.Second}); err != nil {
			t.Errorf("waiting for changes: %v", err)
		}
		if b.breaker.State() != intercept.Open {
			t.Errorf("it is %v", b.breaker.State())
		}
		if err := get(t.Context(), b.Store); !errors.Is(err, store.Unavailable) {
			t.Errorf("all else: %v", err)
		}
	})
}

// TestLateFailuresDoNotOpenBreakerAgain: what began before it opened says nothing about
// what is now.
func TestLateFailuresDoNotOpenBreakerAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBroken(intercept.BreakerOptions{})
		fail := make(chan struct{})
		b.answer = func(context.Context, int64) error {
			<-fail
			return &store.Error{Code: store.Unavailable}
		}
		var late sync.WaitGroup
		for range 10 {
			late.Go(func() { _ = get(t.Context(), b.Store) })
		}
		synctest.Wait()
		b.breakOpen(t)
		<-time.After(time.Second)
		release := make(chan struct{})
		b.answer = func(context.Context, int64) error { <-release; return nil }
		var probe sync.WaitGroup
		probe.Go(func() {
			if err := get(t.Context(), b.Store); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		close(fail)
		late.Wait()
		if b.breaker.State() != intercept.HalfOpen {
			t.Errorf("it is %v", b.breaker.State())
		}
		close(release)
		probe.Wait()
		if b.breaker.State() != intercept.Closed {
			t.Errorf("it is %v", b.breaker.State())
		}
	})
}

func TestStatesHaveNames(t *testing.T) {
	t.Parallel()
	for state, want := range map[intercept.State]string{intercept.Closed: "closed", intercept.HalfOpen: "half_open", intercept.Open: "open"} {
		if state.String() != want {
			t.Errorf("%d is %q", state, state)
		}
	}
}

// TestEachAttemptHasAPatienceOfItsOwn has a second attempt run out of time soon after it
// began, though long after the first did, whose clock is looked at once for all.
func TestEachAttemptHasAPatienceOfItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		breaker := intercept.NewBreaker(intercept.BreakerOptions{Failures: 2, Window: time.Millisecond, Patience: time.Second})
		second := 10 * time.Millisecond
		inner := &scripted{answer: func(_ context.Context, n int64) error {
			if n%2 == 1 {
				return store.Unavailable
			}
			<-time.After(second)
			return store.Timeout
		}}
		w := intercept.Wrap(inner,
			intercept.Metrics(func(intercept.Operation) intercept.Observer { return &counted{} }),
			intercept.NewRetry(intercept.RetryOptions{Delay: 2 * time.Second}).Intercept, breaker.Intercept)
		if err := get(t.Context(), w); store.CodeOf(err) != store.Timeout || breaker.State() != intercept.Closed {
			t.Errorf("it ends with %v, and the breaker is %v", err, breaker.State())
		}
		second = time.Second
		if err := get(t.Context(), w); store.CodeOf(err) != store.Timeout || breaker.State() != intercept.Open {
			t.Errorf("with time enough it ends with %v, and the breaker is %v", err, breaker.State())
		}
	})
}
