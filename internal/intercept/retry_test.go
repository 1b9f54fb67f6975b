package intercept_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"larder/internal/intercept"
	"larder/internal/store"
)

func TestWhatIsTriedAgain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		code        store.Code
		read, write int64 // attempts
	}{
		{store.Unavailable, 3, 3},
		{store.Busy, 1, 1}, // the store has tried again itself
		{store.Ambiguous, 1, 1},
		{store.Internal, 1, 1},
		{store.StorageFull, 1, 1},
		{store.Timeout, 1, 1}, // the store's own limit, or the caller's
		{store.Canceled, 1, 1},
		{store.VersionMismatch, 1, 1},
		{store.NotFound, 1, 1},
	} {
		t.Run(string(test.code), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, kind := range []struct {
					name string
					call func(context.Context, store.Store) error
					want int64
				}{
					{"read", get, test.read},
					{"write", put, test.write},
					{"conditional write", putIfVersion, test.write},
					{"ping", func(ctx context.Context, s store.Store) error { return s.Ping(ctx) }, 1},
					{"waiting", func(ctx context.Context, s store.Store) error {
						_, err := s.Changes(ctx, store.Changes{Wait: time.Second})
						return err
					}, 1},
				} {
					inner := &scripted{answer: always(test.code)}
					err := kind.call(t.Context(), intercept.Wrap(inner, intercept.NewRetry(intercept.RetryOptions{}).Intercept))
					if store.CodeOf(err) != test.code || inner.calls.Load() != kind.want {
						t.Errorf("a %s: %d attempts, and then %v", kind.name, inner.calls.Load(), err)
					}
				}
			})
		})
	}
}

// putIfVersion is a write that does nothing the second time, which makes it no safer to
// repeat.
func putIfVersion(ctx context.Context, s store.Store) error {
	_, err := s.Apply(ctx, store.Batch{Ops: []store.Op{{If: store.IfVersion(7)}}})
	return err
}

func TestOperationsTriedAgain(t *testing.T) {
	t.Parallel()
	once := map[intercept.Operation]string{
		intercept.Ping:      "tells how the store is",
		intercept.Inspect:   "tells how the store is",
		intercept.Look:      "is there to be fast",
		intercept.Keep:      "is there to be fast",
		intercept.Drop:      "goes on by itself",
		intercept.Snapshot:  "has written some of it already",
		intercept.PutIndex:  "takes long",
		intercept.DropIndex: "is done by hand",
		intercept.Maintain:  "is done by hand",
		intercept.SQL:       "is the caller's own",
	}
	synctest.Test(t, func(t *testing.T) {
		inner := &able{able: all}
		w := intercept.Wrap(inner, intercept.NewRetry(intercept.RetryOptions{Attempts: 2}).Intercept).(everything)
		for operation, call := range calls(w) {
			inner.calls.Store(0)
			inner.answer = failing(1, store.Unavailable)
			err := call(t.Context())
			if _, not := once[operation]; not != (err != nil) || not != (inner.calls.Load() == 1) {
				t.Errorf("%v: %d attempts, %v", operation, inner.calls.Load(), err)
			}
		}
	})
}

func TestRetrySucceedsLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := &scripted{answer: failing(4, store.Unavailable)}
		retry := intercept.NewRetry(intercept.RetryOptions{Attempts: 6, Delay: 100 * time.Millisecond, MaxDelay: 300 * time.Millisecond})
		w := intercept.Wrap(inner, retry.Intercept)
		began := time.Now()
		read, err := w.Get(t.Context(), make([]store.Ref, 1))
		if err != nil || len(read.Entries) != 1 {
			t.Errorf("got %+v, %v", read, err)
		}
		if took, want := time.Since(began), (100+200+300+300)*time.Millisecond; took != want {
			t.Errorf("it took %v, not %v", took, want)
		}
		if retry.Retries() != 4 {
			t.Errorf("%d retries", retry.Retries())
		}
	})
}

func TestDelaysAreJittered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seen := make(map[time.Duration]bool)
		retry := intercept.NewRetry(intercept.RetryOptions{Attempts: 2, Delay: time.Second, Jitter: 0.2})
		for range 10 {
			inner := &scripted{answer: failing(1, store.Unavailable)}
			began := time.Now()
			if err := get(t.Context(), intercept.Wrap(inner, retry.Intercept)); err != nil {
				t.Fatal(err)
			}
			took := time.Since(began)
			if took < 800*time.Millisecond || took > 1200*time.Millisecond {
				t.Errorf("waited %v", took)
			}
			seen[took] = true
		}
		if len(seen) < 2 {
			t.Errorf("it waited %v every time", seen)
		}
	})
}

// TestRetriesKeepToTheDeadline: what can't begin in time is not waited for.
func TestRetriesKeepToTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := &scripted{answer: always(store.Unavailable)}
		w := intercept.Wrap(inner, intercept.NewRetry(intercept.RetryOptions{Attempts: 5, Delay: 100 * time.Millisecond}).Intercept)
		ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
		defer cancel()
		began := time.Now()
		if err := put(ctx, w); !errors.Is(err, store.Unavailable) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took != 100*time.Millisecond || inner.calls.Load() != 2 {
			t.Errorf("%d attempts in %v", inner.calls.Load(), took)
		}

		inner.calls.Store(0)
		gone, leave := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, leave)
		began = time.Now()
		if err := put(gone, w); !errors.Is(err, store.Unavailable) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took != 50*time.Millisecond || inner.calls.Load() != 1 {
			t.Errorf("after the caller went away: %d attempts in %v", inner.calls.Load(), took)
		}
	})
}

// TestStormOfRetriesKeepsToTheBudget has a store that is down, and one that fails now and
// then.
func TestStormOfRetriesKeepsToTheBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const requests, reserve = 10_000, 10
		inner := &scripted{answer: always(store.Unavailable)}
		retry := intercept.NewRetry(intercept.RetryOptions{Attempts: 10, Delay: time.Millisecond})
		w := intercept.Wrap(inner, retry.Intercept)
		for range requests {
			if err := put(t.Context(), w); !errors.Is(err, store.Unavailable) {
				t.Fatal(err)
			}
		}
		more := inner.calls.Load() - requests
		if most := int64(requests/10 + reserve); more > most || more < requests/10 {
			t.Errorf("%d calls more, at most %d are allowed", more, most)
		}
		if retry.Retries() != uint64(more) {
			t.Errorf("%d retries are told of %d", retry.Retries(), more)
		}

		inner.answer = func(_ context.Context, n int64) error {
			if n%50 == 0 {
				return &store.Error{Code: store.Unavailable}
			}
			return nil
		}
		for n := range requests {
			if err := put(t.Context(), w); err != nil {
				t.Fatal(fmt.Errorf("where one in fifty fails, so did request %d: %w", n, err))
			}
		}
	})
}

// TestWhatWasRefusedHereIsNotTriedAgain: a breaker is there to have less done.
func TestWhatWasRefusedHereIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := &scripted{answer: always(store.Unavailable)}
		retry := intercept.NewRetry(intercept.RetryOptions{})
		breaker := intercept.NewBreaker(intercept.BreakerOptions{Failures: 1, Window: 1, Delay: time.Hour})
		w := intercept.Wrap(inner, retry.Intercept, breaker.Intercept)
		for breaker.State() != intercept.Open {
			if err := get(t.Context(), w); !errors.Is(err, store.Unavailable) {
				t.Fatal(err)
			}
		}
		before, retries, began := inner.calls.Load(), retry.Retries(), time.Now()
		if err := get(t.Context(), w); !errors.Is(err, store.Unavailable) {
			t.Error(err)
		}
		if inner.calls.Load() != before || retry.Retries() != retries || time.Since(began) != 0 {
			t.Errorf("%d calls, %d retries, %v", inner.calls.Load()-before, retry.Retries()-retries, time.Since(began))
		}
	})
}
