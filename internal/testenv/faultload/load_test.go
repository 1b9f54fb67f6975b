package faultload

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/store/storetest"
)

// lying is a store that now and then does another thing than it says.
type lying struct {
	*storetest.Model
	calls atomic.Int64
	lie   func(*storetest.Model, context.Context, store.Batch) ([]store.Result, error)
	feed  func(store.Feed) store.Feed
}

func (s *lying) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	if s.lie != nil && s.calls.Add(1)%50 == 0 {
		return s.lie(s.Model, ctx, b)
	}
	return s.Model.Apply(ctx, b)
}

func (s *lying) Changes(ctx context.Context, c store.Changes) (store.Feed, error) {
	feed, err := s.Model.Changes(ctx, c)
	if err == nil && s.feed != nil {
		feed = s.feed(feed)
	}
	return feed, err
}

func refusal(code store.Code) error { return &store.Error{Code: code} }

// TestVerdict holds that whatever a store does wrong under faults is found, and
// nothing that it may do.
func TestVerdict(t *testing.T) {
	for name, tt := range map[string]struct {
		lie  func(*storetest.Model, context.Context, store.Batch) ([]store.Result, error)
		feed func(store.Feed) store.Feed
		want string // in what is found; "": nothing is
	}{
		"nothing": {},
		"refused": {lie: func(*storetest.Model, context.Context, store.Batch) ([]store.Result, error) {
			return nil, refusal(store.Unavailable)
		}},
		"unknown and written": {lie: func(m *storetest.Model, ctx context.Context, b store.Batch) ([]store.Result, error) {
			_, _ = m.Apply(ctx, b)
			return nil, refusal(store.Ambiguous)
		}},
		"unknown and not written": {lie: func(*storetest.Model, context.Context, store.Batch) ([]store.Result, error) {
			return nil, refusal(store.Ambiguous)
		}},
		"refused and written": {lie: func(m *storetest.Model, ctx context.Context, b store.Batch) ([]store.Result, error) {
			_, _ = m.Apply(ctx, b)
			return nil, refusal(store.Unavailable)
		}, want: "was said not to be"},
		"acknowledged and lost": {lie: func(m *storetest.Model, ctx context.Context, b store.Batch) ([]store.Result, error) {
			b.DryRun = true
			return m.Apply(ctx, b)
		}, want: "acknowledged writes are lost"},
		"done twice": {lie: func(m *storetest.Model, ctx context.Context, b store.Batch) ([]store.Result, error) {
			_, _ = m.Apply(ctx, b)
			return m.Apply(ctx, b)
		}, want: "is acknowledged at version 2"},
		"half done": {lie: func(m *storetest.Model, ctx context.Context, b store.Batch) ([]store.Result, error) {
			_, _ = m.Apply(ctx, store.Batch{Ops: b.Ops[:1]})
			return nil, refusal(store.Ambiguous)
		}, want: " and "},
		"an answer that says nothing": {lie: func(*storetest.Model, context.Context, store.Batch) ([]store.Result, error) {
			return nil, refusal(store.Internal)
		}, want: "an answer is internal"},
		"a change that the feed lacks": {feed: func(f store.Feed) store.Feed {
			f.Changes = slices.DeleteFunc(f.Changes, func(x store.Change) bool { return strings.Contains(x.Key, "}fresh/0/") })
			return f
		}, want: "the feed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := storetest.NewModel(storetest.ModelOptions{})
			l := Start(t, &lying{Model: m, lie: tt.lie, feed: tt.feed}, Options{Follow: true, Groups: []string{"a", "b"}})
			l.atMost = 5 * time.Second
			l.AwaitAcknowledged(1000)
			found := strings.Join(l.verdict(), "\n")
			if (found == "") != (tt.want == "") || !strings.Contains(found, tt.want) {
				t.Errorf("what is found is %q", found)
			}
		})
	}
}

// replicated is a store whose successor has but the beginning of what it wrote.
type replicated struct {
	*storetest.Model
	mu   sync.Mutex
	log  []store.Batch
	down bool
}

func (s *replicated) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return nil, refusal(store.Unavailable)
	}
	results, err := s.Model.Apply(ctx, b)
	if err == nil {
		s.log = append(s.log, b)
	}
	return results, err
}

func (s *replicated) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Model.Get(ctx, refs)
}

func (s *replicated) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = true
}

// failOver has another take over, without the last writes.
func (s *replicated) failOver(t *testing.T, without int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Model, s.down = storetest.NewModel(storetest.ModelOptions{}), false
	for _, b := range s.log[:len(s.log)-without] {
		if _, err := s.Model.Apply(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSettle has a store lose the last of what it acknowledged, and holds it to the
// rest.
func TestSettle(t *testing.T) {
	t.Parallel()
	s := &replicated{Model: storetest.NewModel(storetest.ModelOptions{})}
	l := Start(t, s, Options{})
	l.AwaitAcknowledged(500)
	l.Halt()
	s.kill()
	l.AwaitHalted()
	s.failOver(t, 40)
	if lost := l.Settle(); lost < 20 { // deleting what is not there is no write
		t.Errorf("of 40 writes lost, %d are counted", lost)
	}
	l.GoOn()
	l.AwaitAcknowledged(500)
	l.Check()
}
