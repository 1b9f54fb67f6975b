package app

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"larder/internal/backend"
	"larder/internal/backend/boltstore"
	"larder/internal/config"
	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/telemetry"
)

// guarding is a gateway that is only there to guard.
func guarding(change func(*config.Config)) *App {
	cfg := config.Default()
	if change != nil {
		change(&cfg)
	}
	return &App{cfg: cfg, log: zerolog.Nop(), calls: telemetry.NewCalls("backend")}
}

var overNetwork = config.Backend{Name: "pg", URL: "postgres://db.example/larder"}

// guarded is a store behind the guard of a backend that nobody has taken the place of.
func (a *App) guarded(b config.Backend, s store.Store) *member {
	m := &member{name: b.Name, own: backend.Embedded(b.URL), atMode: new(atomic.Uint32)}
	a.guard(m, s, func() string { return "" })
	return m
}

// TestGuardedStore holds a real store behind the guard as it is by default to the suite.
func TestGuardedStore(t *testing.T) { storetest.Run(t, guardedHarness()) }

// TestRandomOperationsOnGuardedStore holds it to the model.
func TestRandomOperationsOnGuardedStore(t *testing.T) {
	o := storetest.Random{Steps: 500, Runs: 2}
	if os.Getenv("LARDER_SOAK") != "" {
		o = storetest.Random{Steps: 50_000, Runs: 10}
	}
	storetest.Differential(t, guardedHarness(), o)
}

func guardedHarness() storetest.Harness {
	var clocks sync.Map // by the guarded store
	return storetest.Harness{
		Open: func(t testing.TB) store.Store {
			clock := storetest.NewClock()
			opened, err := boltstore.Open(boltstore.Options{
				Path: filepath.Join(t.TempDir(), "larder.db"), NoSync: true, Now: clock.Now,
				Retention: store.Retention{Interval: time.Hour},
			})
			if err != nil {
				t.Fatal(err)
			}
			s := guarding(nil).guarded(overNetwork, opened).store
			clocks.Store(s, clock)
			return s
		},
		Advance: func(s store.Store, d time.Duration) {
			clock, _ := clocks.Load(s)
			clock.(*storetest.Clock).Advance(d)
		},
	}
}

// failing is a store that fails the calls that it is told to, and does no others.
type failing struct {
	store.Store
	left  atomic.Int64
	calls atomic.Int64
}

func (f *failing) Info() store.Info { return store.Info{Name: "pg"} }

func (f *failing) Get(context.Context, []store.Ref) (store.Read, error) {
	f.calls.Add(1)
	if f.left.Add(-1) >= 0 {
		return store.Read{}, &store.Error{Code: store.Unavailable}
	}
	return store.Read{}, nil
}

func TestGuardDoesWhatIsSet(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		change  func(*config.Config)
		backend config.Backend
		calls   int64 // for a read that fails twice and then would not
		figures []string
	}{
		{"by default", nil, overNetwork, 3, []string{"breaker_state", "call_limit", "retries_total", "shed_total"}},
		{"two attempts", func(c *config.Config) { c.RetryAttempts = 2 }, overNetwork, 2, []string{"breaker_state", "call_limit", "retries_total", "shed_total"}},
		{"without retries", func(c *config.Config) { c.RetryEnabled = false }, overNetwork, 1, []string{"breaker_state", "call_limit", "shed_total"}},
		{"without a breaker", func(c *config.Config) { c.BreakerEnabled = false }, overNetwork, 3, []string{"call_limit", "retries_total", "shed_total"}},
		{"without a limit", func(c *config.Config) { c.AdaptiveLimit = false }, overNetwork, 3, []string{"breaker_state", "retries_total", "shed_total"}},
		{"few calls", func(c *config.Config) { c.MaxCalls = 1 }, overNetwork, 3, []string{"breaker_state", "call_limit", "retries_total", "shed_total"}},
		{"embedded", nil, config.Backend{Name: "local", URL: "bolt://larder.db"}, 1, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := guarding(func(c *config.Config) {
				c.RetryDelay = time.Millisecond
				if test.change != nil {
					test.change(c)
				}
			})
			inner := &failing{}
			inner.left.Store(2)
			m := a.guarded(test.backend, inner)
			_, err := m.store.Get(t.Context(), nil)
			if inner.calls.Load() != test.calls || (err == nil) != (test.calls == 3) {
				t.Errorf("%d attempts, and then %v", inner.calls.Load(), err)
			}
			values := telemetry.Values(m.guard.figures())
			for _, name := range test.figures {
				if _, told := values[name]; !told {
					t.Errorf("%s is not told", name)
				}
			}
			if len(values) != len(test.figures) {
				t.Errorf("%v is told", values)
			}
			if retries, told := values["retries_total"]; told && int64(retries) != test.calls-1 {
				t.Errorf("%v retries are told", retries)
			}
			if calls := a.calls.Of(test.backend.Name); calls.Requests != 1 {
				t.Errorf("%d calls are counted", calls.Requests)
			}
		})
	}
}

// TestGuardIsTold has a backend over the network that goes away, and looks at what
// operators see.
func TestGuardIsTold(t *testing.T) {
	var down atomic.Bool
	cfg := settings(t)
	cfg.Primary, cfg.BreakerDelay = "redis://127.0.0.1:1/0", 20*time.Millisecond
	s := start(t, cfg, Options{Open: func(context.Context, config.Config, config.Backend, zerolog.Logger) (store.Store, error) {
		return &leaving{Model: storetest.NewModel(storetest.ModelOptions{Name: "primary"}), down: &down}, nil
	}})
	base := "http://" + s.logged("ready")["address"].(string)
	if _, body := get(t, base+"/backends/primary"); !strings.Contains(body, `"breaker":"closed"`) {
		t.Errorf("at first the backend is %s", body)
	}
	exchange(t, http.MethodPut, base+"/tables/t/keys/k", "1")
	down.Store(true)
	soon(t, "the breaker to open", func() bool {
		resp, _ := exchange(t, http.MethodGet, base+"/tables/t/keys/k", "")
		if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
			t.Errorf("a read is answered %d %v", resp.StatusCode, resp.Header)
		}
		_, metrics := get(t, base+"/metrics")
		return strings.Contains(metrics, `larder_backend_breaker_state{backend="primary"} 2`)
	})
	if line := s.logged("the backend's breaker has changed"); line["to"] != "open" || line["level"] != "warn" || line["backend"] != "primary" {
		t.Errorf("it is logged as %v", line)
	}
	_, metrics := get(t, base+"/metrics")
	_, stats := get(t, base+"/stats")
	for _, name := range []string{"breaker_state", "retries_total", "shed_total", "call_limit"} {
		if !strings.Contains(metrics, "larder_backend_"+name+`{backend="primary"}`) || !strings.Contains(stats, `"`+name+`":`) {
			t.Errorf("%s is not in /metrics and /stats", name)
		}
	}
	down.Store(false)
	soon(t, "the breaker to close", func() bool {
		resp, _ := exchange(t, http.MethodGet, base+"/tables/t/keys/k", "")
		_, body := get(t, base+"/backends/primary")
		return resp.StatusCode == http.StatusOK && strings.Contains(body, `"breaker":"closed"`)
	})
}

// leaving is a store that can be away.
type leaving struct {
	*storetest.Model
	down *atomic.Bool
}

var errAway = errors.New("away")

func (l *leaving) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	if l.down.Load() {
		return store.Read{}, &store.Error{Code: store.Unavailable, Backend: "primary", Err: errAway}
	}
	return l.Model.Get(ctx, refs)
}
