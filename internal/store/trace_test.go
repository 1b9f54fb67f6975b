package store_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"larder/internal/store"
)

// TestTrace has calls one within the other, one that goes on and something decided.
func TestTrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := store.WithTrace(t.Context(), store.NewTrace(time.Now()))
		trace := store.TraceOf(ctx)
		<-time.After(time.Millisecond)
		trace.Note("memory", "miss")
		look := trace.Begin("hot", "look")
		<-time.After(2 * time.Millisecond)
		look("miss", "")
		get := trace.Begin("pg", "get")
		<-time.After(3 * time.Millisecond)
		get("", store.Unavailable)
		hedge := trace.Begin("local", "get")
		<-time.After(4 * time.Millisecond)

		const ms = time.Millisecond
		want := []store.Span{
			{Name: "memory", Outcome: "miss", Began: ms},
			{Name: "hot", Operation: "look", Outcome: "miss", Began: ms, Took: 2 * ms},
			{Name: "pg", Operation: "get", Code: store.Unavailable, Began: 3 * ms, Took: 3 * ms},
			{Name: "local", Operation: "get", Began: 6 * ms, Took: 4 * ms, Underway: true},
		}
		got, dropped := trace.Spans()
		if len(got) != len(want) || dropped != 0 {
			t.Fatalf("got %+v and %d more", got, dropped)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("span %d is %+v, want %+v", i, got[i], want[i])
			}
		}
		hedge("", store.Canceled) // after it was told
		if got, _ := trace.Spans(); got[3].Underway || got[3].Code != store.Canceled {
			t.Errorf("what has ended is %+v", got[3])
		}
	})
}

// TestTraceIsBounded has goroutines take down more than a trace keeps, while it is told.
func TestTraceIsBounded(t *testing.T) {
	t.Parallel()
	trace := store.NewTrace(time.Now())
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 25 {
				trace.Begin("pg", "get")("", "")
				trace.Spans()
			}
		})
	}
	all.Wait()
	if spans, dropped := trace.Spans(); len(spans) != 64 || dropped != 200-64 {
		t.Errorf("%d are kept and %d are not", len(spans), dropped)
	}
}

func TestNothingIsTakenDownUnasked(t *testing.T) {
	ctx := context.Background()
	if n := testing.AllocsPerRun(100, func() {
		trace := store.TraceOf(ctx)
		trace.Begin("pg", "get")("", "")
		trace.Note("memory", "miss")
	}); n != 0 {
		t.Errorf("it costs %v allocations", n)
	}
	if spans, dropped := store.TraceOf(ctx).Spans(); spans != nil || dropped != 0 {
		t.Errorf("there are %v", spans)
	}
}
