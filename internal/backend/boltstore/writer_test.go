package boltstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/value"
)

func TestOneBadRequestInAGroupFailsAlone(t *testing.T) {
	s := open(t)
	s.apply(put("there", "1"))
	before := s.tallies.commits.Load()
	release := s.occupy()
	errs := make([]error, 40)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			op := put(fmt.Sprintf("k%d", i), "1")
			if i%4 == 0 {
				op = put("there", "2")
				op.If.Absent = true
			}
			_, errs[i] = s.Apply(t.Context(), store.Batch{Ops: []store.Op{op}})
		})
	}
	s.waitFor(len(errs))
	release()
	wg.Wait()
	for i, err := range errs {
		switch {
		case i%4 == 0:
			fails(t, "a put of what exists", err, store.AlreadyExists)
		case err != nil:
			t.Errorf("request %d: %v", i, err)
		default:
			s.holds(fmt.Sprintf("k%d", i), "1")
		}
	}
	s.holds("there", "1")
	if n := s.tallies.commits.Load() - before; n != 1 {
		t.Errorf("it took %d commits, want 1", n)
	}
}

func TestRequestsOfAGroupSeeEachOther(t *testing.T) {
	s := open(t)
	release := s.occupy()
	const n = 100
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			s.apply(store.Op{Kind: store.Increment, Ref: ref("n"), Increment: store.Step{Delta: []byte("1"), Initial: []byte("0")}})
		})
	}
	s.waitFor(n)
	release()
	wg.Wait()
	s.holds("n", strconv.Itoa(n))
	if e := s.get("n"); e.Version != n {
		t.Errorf("got version %d, want %d", e.Version, n)
	}
}

func TestARequestThatBreaksOffIsDoneAlone(t *testing.T) {
	s := open(t)
	release := s.occupy()
	var wg sync.WaitGroup
	broken := make([]error, 2)
	wg.Go(func() { s.apply(put("a", "1")) })
	wg.Go(func() {
		broken[0] = s.write(t.Context(), 0, func(w *writeTx) error {
			table, err := w.table("t")
			if err != nil {
				return err
			}
			if err := table.put(&store.Entry{Ref: ref("half"), Version: 1, Value: value.MustParse("1")}); err != nil {
				return err
			}
			return errors.New("after all it can't be done")
		})
	})
	wg.Go(func() {
		broken[1] = s.write(t.Context(), 0, func(*writeTx) error { panic("a bug") })
	})
	wg.Go(func() { s.apply(put("b", "2")) })
	s.waitFor(4)
	release()
	wg.Wait()
	for _, err := range broken {
		fails(t, "what broke off", err, store.Internal)
	}
	s.holds("a", "1")
	s.holds("b", "2")
	if e := s.get("half"); e.Version != 0 {
		t.Errorf("half a request was written: %+v", e)
	}
}

func TestWhoeverGoesAwayBeforeTheTurnHasWrittenNothing(t *testing.T) {
	s := open(t)
	for _, test := range []struct {
		end  func() (context.Context, context.CancelFunc)
		code store.Code
	}{
		{func() (context.Context, context.CancelFunc) { return context.WithCancel(t.Context()) }, store.Canceled},
		{func() (context.Context, context.CancelFunc) {
			return context.WithDeadline(t.Context(), time.Now().Add(time.Millisecond))
		}, store.Timeout},
	} {
		release := s.occupy()
		ctx, cancel := test.end()
		done := make(chan error, 1)
		go func() {
			_, err := s.Apply(ctx, store.Batch{Ops: []store.Op{put("k", "1")}})
			done <- err
		}()
		if test.code == store.Canceled {
			s.waitFor(1)
			cancel()
		}
		fails(t, "a write whose caller left", <-done, test.code)
		cancel()
		release()
		s.apply(put("other", "1")) // the writer has been past it
		if e := s.get("k"); e.Version != 0 {
			t.Errorf("%s: it was written: %+v", test.code, e)
		}
	}
}

func TestWhatIsTakenIsWaitedFor(t *testing.T) {
	s := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := s.write(ctx, 0, func(w *writeTx) error {
		cancel()
		_, err := w.apply(store.Batch{Ops: []store.Op{put("k", "1")}})
		return err
	})
	if err != nil {
		t.Errorf("got %v, want success: it was written", err)
	}
	s.holds("k", "1")
}

func TestNothingIsCommittedWhereNothingChanges(t *testing.T) {
	s := open(t)
	s.apply(put("k", "1"))
	before := s.tallies.commits.Load()
	s.apply(remove("absent"))
	s.apply(store.Op{Kind: store.Get, Ref: ref("k")})
	if _, err := s.Apply(t.Context(), store.Batch{Ops: []store.Op{put("k", "2")}, DryRun: true}); err != nil {
		t.Errorf("a dry run: %v", err)
	}
	if err := s.Maintain(t.Context(), store.Maintenance{Action: store.Cleanup}); err != nil {
		t.Errorf("cleaning up: %v", err)
	}
	if n := s.tallies.commits.Load() - before; n != 0 {
		t.Errorf("there were %d commits, want none", n)
	}
	s.holds("k", "1")
}

func TestManyClientsLoseNoWrite(t *testing.T) {
	s := open(t)
	const clients, rounds = 32, 50
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for i := range rounds {
				ops := []store.Op{
					put(fmt.Sprintf("c%d-%d", c, i), "1"),
					{Kind: store.Increment, Ref: ref("sum"), Increment: store.Step{Delta: []byte("1"), Initial: []byte("0")}},
				}
				if _, err := s.Apply(t.Context(), store.Batch{Ops: ops}); err != nil {
					t.Errorf("Apply: %v", err)
				}
			}
		})
	}
	wg.Wait()
	s.reopen()
	s.holds("sum", strconv.Itoa(clients*rounds))
	tables, err := s.Tables(t.Context())
	if err != nil || len(tables) != 1 || tables[0].Entries != clients*rounds+1 {
		t.Errorf("got tables %+v, %v; want %d entries", tables, err, clients*rounds+1)
	}
}

func TestClosingFailsWhatWaitsAndAllCallsAfter(t *testing.T) {
	s := open(t)
	release := s.occupy()
	waits := make(chan error, 1)
	go func() {
		_, err := s.Apply(t.Context(), store.Batch{Ops: []store.Op{put("k", "1")}})
		waits <- err
	}()
	s.waitFor(1)
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	fails(t, "a write that waited", <-waits, store.Unavailable)
	release()
	if err := <-closed; err != nil {
		t.Errorf("Close: %v", err)
	}
	ctx := t.Context()
	_, err := s.Get(ctx, []store.Ref{ref("k")})
	fails(t, "Get", err, store.Unavailable)
	_, err = s.Apply(ctx, store.Batch{Ops: []store.Op{put("k", "1")}})
	fails(t, "Apply", err, store.Unavailable)
	_, err = s.Scan(ctx, store.Scan{Table: "t"})
	fails(t, "Scan", err, store.Unavailable)
	_, err = s.Changes(ctx, store.Changes{})
	fails(t, "Changes", err, store.Unavailable)
	fails(t, "Install", s.Install(ctx, []store.Entry{{Ref: ref("k"), Version: 1, Deleted: true}}), store.Unavailable)
	_, err = s.Tables(ctx)
	fails(t, "Tables", err, store.Unavailable)
	fails(t, "Ping", s.Ping(ctx), store.Unavailable)
	_, err = s.Search(ctx, store.Query{Table: "t"})
	fails(t, "Search", err, store.Unavailable)
	fails(t, "Maintain", s.Maintain(ctx, store.Maintenance{Action: store.Compact}), store.Unavailable)
	_, err = s.Inspect(ctx)
	fails(t, "Inspect", err, store.Unavailable)
	if err := s.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
}
