package replica_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"sync"
	"testing"
	"time"

	"larder/internal/replica"
	"larder/internal/store"
	"larder/internal/store/storetest"
)

// forgetful is a store that can lose what it has, between any two calls.
type forgetful struct {
	store.Forward // of the first one, for what does not change
	mu            sync.RWMutex
	now           *storetest.Model
}

func newForgetful() *forgetful {
	m := storetest.NewModel(storetest.ModelOptions{Name: "b"})
	return &forgetful{Forward: store.Forward{Store: m}, now: m}
}

func (s *forgetful) model() *storetest.Model {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.now
}

// become has the store hold what another has.
func (s *forgetful) become(m *storetest.Model) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = m
}

func (s *forgetful) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	return s.model().Get(ctx, refs)
}

func (s *forgetful) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	return s.model().Apply(ctx, b)
}

func (s *forgetful) Install(ctx context.Context, entries []store.Entry) error {
	return s.model().Install(ctx, entries)
}

func (s *forgetful) Scan(ctx context.Context, q store.Scan) (store.Page, error) {
	return s.model().Scan(ctx, q)
}

func (s *forgetful) Changes(ctx context.Context, c store.Changes) (store.Feed, error) {
	return s.model().Changes(ctx, c)
}

func (s *forgetful) Tables(ctx context.Context) ([]store.TableInfo, error) {
	return s.model().Tables(ctx)
}

// dumped is a model that has all that another has, as a dump of it.
func dumped(t *testing.T, m *storetest.Model) *storetest.Model {
	t.Helper()
	other := storetest.NewModel(storetest.ModelOptions{Name: "b"})
	feed, err := m.Changes(t.Context(), store.Changes{Limit: m.Info().Limits.MaxPage})
	if err != nil || feed.More {
		t.Fatal(err, feed.More)
	}
	entries := make([]store.Entry, len(feed.Changes))
	for i := range feed.Changes {
		entries[i] = feed.Changes[i].Entry
	}
	install(t, other, entries...)
	return other
}

var deletionTime = regexp.MustCompile(`(?m) true .*$`) //nolint:gochecknoglobals // a constant

// held is what a store has, but for when it was deleted: of what is buried as a leftover,
// that is another time.
func held(t *testing.T, s store.Store) string {
	t.Helper()
	return deletionTime.ReplaceAllString(dump(t, s, "t"), " true")
}

// TestTargetForgets has a target lose everything, and go back to what it had some time
// ago, under two processes that keep it up. It comes to have all again, and nothing that
// was deleted.
func TestTargetForgets(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	from := storetest.NewModel(storetest.ModelOptions{Name: "a"})
	to := newForgetful()
	p := &pair{T: t, from: from}
	followers := make([]*replica.Follower, 2)
	for n := range followers {
		followers[n] = replica.Follow(replica.Options{
			From: from, FromName: "a", To: to, Page: 7,
			Every: time.Millisecond, Pause: time.Millisecond, MaxPause: 5 * time.Millisecond,
		})
	}
	p.follower = followers[0]
	t.Cleanup(func() {
		for _, s := range []interface{ Close() error }{followers[0], followers[1], to.model(), from} {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	same := func() {
		t.Helper()
		p.eventually("both to have the same", func() bool { return held(t, from) == held(t, to) })
	}
	dump := to.model()
	for range 40 {
		for range random.IntN(40) {
			if key := fmt.Sprint("k", random.IntN(60)); random.IntN(3) == 0 {
				p.remove("t", key)
			} else {
				p.put("t", key, random.IntN(1000))
			}
		}
		switch random.IntN(6) {
		case 0:
			dump = dumped(t, to.model())
			// It is older than anything that is under way when it comes back.
			now := time.Now()
			for _, f := range followers {
				p.eventually("both to go on", func() bool { return f.CaughtUp(now) })
			}
		case 1:
			to.become(storetest.NewModel(storetest.ModelOptions{Name: "b"}))
		case 2:
			to.become(dumped(t, dump))
		case 3:
			same()
		}
	}
	same()
	for _, f := range followers {
		p.eventually("both to have caught up", func() bool { s := f.Status(); return s.Known && s.Failing == "" })
	}
}

// A target that has lost what it had is not told to be up to date until it has it again.
func TestForgottenIsNoLag(t *testing.T) {
	t.Parallel()
	from, to := storetest.NewModel(storetest.ModelOptions{Name: "a"}), newForgetful()
	p := &pair{T: t, from: from}
	for n := range 20 {
		p.put("t", fmt.Sprint("k", n), n)
	}
	cut := &away{Forward: store.Forward{Store: to}}
	p.follower = replica.Follow(replica.Options{From: from, FromName: "a", To: cut, Every: time.Millisecond, Pause: time.Millisecond})
	t.Cleanup(func() {
		for _, s := range []interface{ Close() error }{p.follower, to.model(), from} {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	p.eventually("it to catch up", func() bool { return p.follower.Status().Known })
	cut.down.Store(true) // for writes: it can't be kept up
	to.become(storetest.NewModel(storetest.ModelOptions{Name: "b"}))
	p.eventually("it to be told that it lacks something", func() bool { return !p.follower.Status().Known || p.follower.Status().Failing != "" })
	cut.down.Store(false)
	p.eventually("it to have all again", func() bool { return dump(t, from, "t") == dump(t, to, "t") })
}
