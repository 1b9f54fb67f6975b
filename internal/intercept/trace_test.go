package intercept_test

import (
	"context"
	"testing"
	"time"

	"larder/internal/intercept"
	"larder/internal/store"
	"larder/internal/store/storetest"
)

// spans are what a trace has, without times.
func spans(ctx context.Context) []store.Span {
	all, _ := store.TraceOf(ctx).Spans()
	for i := range all {
		all[i].Began, all[i].Took = 0, 0
	}
	return all
}

// TestTraceHasEachAttempt has a call fail twice before it is done, and one that is refused.
func TestTraceHasEachAttempt(t *testing.T) {
	t.Parallel()
	inner := &scripted{answer: failing(2, store.Unavailable)}
	reason := ""
	w := intercept.Wrap(inner, intercept.Gate("pg", func() string { return reason }),
		intercept.NewRetry(intercept.RetryOptions{Delay: time.Microsecond}).Intercept, intercept.Trace("pg"))
	ctx := store.WithTrace(t.Context(), store.NewTrace(time.Now()))
	if err := get(ctx, w); err != nil {
		t.Fatal(err)
	}
	reason = "another has its place"
	if err := put(ctx, w); store.CodeOf(err) != store.Unavailable {
		t.Errorf("got %v", err)
	}
	failed := store.Span{Name: "pg", Operation: "get", Code: store.Unavailable}
	want := []store.Span{
		failed, failed,
		{Name: "pg", Operation: "get"},
		{Name: "pg", Operation: "apply", Outcome: "refused: the backend must not be used", Code: store.Unavailable},
	}
	got := spans(ctx)
	if len(got) != len(want) {
		t.Fatalf("got %+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("span %d is %+v, want %+v", i, got[i], want[i])
		}
	}
}

// TestTraceSaysWhatWasSeen looks at copies that are there and that are not.
func TestTraceSaysWhatWasSeen(t *testing.T) {
	t.Parallel()
	model := storetest.NewModel(storetest.ModelOptions{})
	w := intercept.Wrap(model, intercept.Trace("hot"))
	cache, err := store.Need[store.Cacher](w)
	if err != nil {
		t.Fatal(err)
	}
	ctx := store.WithTrace(t.Context(), store.NewTrace(time.Now()))
	ref := store.Ref{Table: "t", Key: "k"}
	look := func(lease time.Duration) {
		t.Helper()
		if _, _, err := cache.Look(ctx, "pg", ref, lease); err != nil {
			t.Fatal(err)
		}
	}
	look(0)
	look(time.Minute)
	look(time.Minute)
	if err := cache.Keep(ctx, "pg", []store.Copy{{Entry: store.Entry{Ref: ref}, Epoch: 1}}); err != nil {
		t.Fatal(err)
	}
	look(0)
	var outcomes []string
	for _, s := range spans(ctx) {
		outcomes = append(outcomes, s.Operation+" "+s.Outcome)
	}
	for i, want := range []string{"look miss", "look miss", "look miss, another fills it", "keep ", "look hit"} {
		if len(outcomes) <= i || outcomes[i] != want {
			t.Fatalf("got %q, want %q at %d", outcomes, want, i)
		}
	}
}
