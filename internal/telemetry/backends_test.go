package telemetry

import (
	"context"
	"errors"
	"maps"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"
)

// asked is a backend that counts how often it is asked.
type asked struct {
	n       atomic.Int64
	figures func() ([]Figure, error)
}

func (a *asked) backend(name string) Backend {
	return Backend{Name: name, Figures: func(context.Context) ([]Figure, error) {
		a.n.Add(1)
		return a.figures()
	}}
}

func always(figures ...Figure) *asked {
	return &asked{figures: func() ([]Figure, error) { return figures, nil }}
}

func collector(t *testing.T, o BackendOptions, backends ...Backend) *Backends {
	t.Helper()
	b := NewBackends(func() []Backend { return backends }, o)
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func TestBackendFigures(t *testing.T) {
	b := collector(
		t, BackendOptions{},
		always(
			Figure{Name: "file_bytes", Help: "Size of the file.", Value: 4096},
			Figure{Name: "commits", Help: "Transactions committed.", Value: 7, Counter: true},
		).backend("one"),
		always(Figure{Name: "file_bytes", Help: "Size of the file.", Value: 1}).backend("two"),
	)
	const want = `
# HELP larder_backend_commits_total Transactions committed.
# TYPE larder_backend_commits_total counter
larder_backend_commits_total{backend="one"} 7
# HELP larder_backend_file_bytes Size of the file.
# TYPE larder_backend_file_bytes gauge
larder_backend_file_bytes{backend="one"} 4096
larder_backend_file_bytes{backend="two"} 1
# HELP larder_backend_inspection_success Whether the backend told its figures in time.
# TYPE larder_backend_inspection_success gauge
larder_backend_inspection_success{backend="one"} 1
larder_backend_inspection_success{backend="two"} 1
`
	registry := prometheus.NewRegistry()
	registry.MustRegister(b)
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

func TestBackendAnswersAreUsedAgain(t *testing.T) {
	one := always(Figure{Name: "keys", Help: "Keys.", Value: 1})
	lazy := collector(t, BackendOptions{Fresh: time.Hour}, one.backend("one"))
	for range 3 {
		testutil.CollectAndCount(lazy)
	}
	if n := one.n.Load(); n != 1 {
		t.Errorf("asked %d times, want once", n)
	}

	eager := collector(t, BackendOptions{Fresh: time.Nanosecond}, one.backend("one"))
	testutil.CollectAndCount(eager)
	testutil.CollectAndCount(eager)
	if n := one.n.Load(); n != 3 {
		t.Errorf("asked %d times, want twice more", n)
	}
}

func TestSilentBackendDoesNotHoldUpAScrape(t *testing.T) {
	answer, begun := make(chan struct{}), make(chan struct{}, 1)
	slow := &asked{figures: func() ([]Figure, error) {
		begun <- struct{}{}
		<-answer // whatever the context says
		return []Figure{{Name: "keys", Help: "Keys.", Value: 1}}, nil
	}}
	b := collector(
		t, BackendOptions{Fresh: time.Hour, Patience: 20 * time.Millisecond},
		slow.backend("slow"), always(Figure{Name: "keys", Help: "Keys.", Value: 2}).backend("swift"),
	)
	for range 3 {
		text, err := testutil.CollectAndFormat(b, expfmt.TypeTextPlain, "larder_backend_keys", "larder_backend_inspection_success")
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`inspection_success{backend="slow"} 0`, `keys{backend="swift"} 2`} {
			if !strings.Contains(string(text), want) {
				t.Errorf("no %s in:\n%s", want, text)
			}
		}
		if strings.Contains(string(text), `keys{backend="slow"}`) {
			t.Errorf("figures without an answer:\n%s", text)
		}
	}
	<-begun
	if n := slow.n.Load(); n != 1 {
		t.Errorf("%d questions are under way, want one", n)
	}
	close(answer)
	b.running.Wait()
	if n := testutil.CollectAndCount(b, "larder_backend_keys"); n != 2 {
		t.Errorf("the late answer is not used: %d backends tell their keys", n)
	}
}

func TestFailingBackendKeepsItsLastFigures(t *testing.T) {
	var broken atomic.Bool
	one := &asked{figures: func() ([]Figure, error) {
		if broken.Load() {
			return nil, errors.New("gone")
		}
		return []Figure{{Name: "keys", Help: "Keys.", Value: 1}}, nil
	}}
	b := collector(t, BackendOptions{Fresh: time.Nanosecond}, one.backend("one"))
	testutil.CollectAndCount(b)
	broken.Store(true)
	const want = `
# HELP larder_backend_inspection_success Whether the backend told its figures in time.
# TYPE larder_backend_inspection_success gauge
larder_backend_inspection_success{backend="one"} 0
# HELP larder_backend_keys Keys.
# TYPE larder_backend_keys gauge
larder_backend_keys{backend="one"} 1
`
	if err := testutil.CollectAndCompare(b, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

func TestFiguresByName(t *testing.T) {
	var broken atomic.Bool
	one := &asked{figures: func() ([]Figure, error) {
		if broken.Load() {
			return nil, errors.New("gone")
		}
		return []Figure{
			{Name: "keys", Value: 1},
			{Name: "commits", Value: 7, Counter: true},
			{Name: "hits_total", Value: 1 << 60, Counter: true},
			{Name: "ratio", Value: math.NaN()},
			{Name: "lag_seconds", Value: math.Inf(1)},
		}, nil
	}}
	b := collector(t, BackendOptions{Fresh: time.Nanosecond}, one.backend("one"), always().backend("two"))
	if got, want := b.Figures(t.Context(), "one"), (map[string]float64{"keys": 1, "commits_total": 7, "hits_total": 1 << 60}); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, name := range []string{"two", "three"} {
		if got := b.Figures(t.Context(), name); got == nil || len(got) != 0 {
			t.Errorf("%s tells %v", name, got)
		}
	}
	broken.Store(true)
	if got := b.Figures(t.Context(), "one"); len(got) != 0 {
		t.Errorf("one that fails tells %v", got)
	}
}

func TestFiguresAreNotWaitedForLong(t *testing.T) {
	answer := make(chan struct{})
	slow := &asked{figures: func() ([]Figure, error) {
		<-answer // whatever the context says
		return []Figure{{Name: "keys", Value: 1}}, nil
	}}
	b := collector(t, BackendOptions{Fresh: time.Hour, Patience: 20 * time.Millisecond}, slow.backend("slow"))
	patient := collector(t, BackendOptions{Patience: time.Hour}, slow.backend("slow"))
	defer close(answer) // before either collector is closed
	if got := b.Figures(t.Context(), "slow"); len(got) != 0 {
		t.Errorf("without an answer there is %v", got)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if got := patient.Figures(ended, "slow"); len(got) != 0 {
		t.Errorf("for one who went away there is %v", got)
	}
}

// Two engines may mean somewhat different things by one name, and are still exported.
func TestBackendsThatExplainANameDifferently(t *testing.T) {
	t.Parallel()
	explain := func(name, help string) Backend {
		return Backend{Name: name, Figures: func(context.Context) ([]Figure, error) {
			return []Figure{{Name: "replicas", Help: help, Value: 1}}, nil
		}}
	}
	b := NewBackends(func() []Backend { return []Backend{explain("pg", "Standbys."), explain("hot", "Replicas.")} }, BackendOptions{})
	defer func() { _ = b.Close() }()
	r := prometheus.NewRegistry()
	r.MustRegister(b)
	want := `# HELP larder_backend_replicas Standbys.
# TYPE larder_backend_replicas gauge
larder_backend_replicas{backend="hot"} 1
larder_backend_replicas{backend="pg"} 1
`
	if err := testutil.GatherAndCompare(r, strings.NewReader(want), "larder_backend_replicas"); err != nil {
		t.Error(err)
	}
}
