package telemetry

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Backend is a backend that can tell figures about itself.
type Backend struct {
	Name string

	// Figures asks for them. It keeps to ctx, whose end it may not outlive by
	// much, but a scrape does not depend on that.
	Figures func(ctx context.Context) ([]Figure, error)
}

// Figure is one number about a backend.
type Figure struct {
	Name    string // as Prometheus has it, with its unit: "file_bytes"
	Help    string
	Value   float64
	Counter bool // it only grows
}

// BackendOptions say how to ask backends for their figures.
type BackendOptions struct {
	Fresh    time.Duration // how long an answer is used again; 0: 1 s
	Patience time.Duration // how long a scrape waits for an answer; 0: 2 s
}

// Backends exports the backends' figures as larder_backend_NAME{backend="…"}.
// One that does not answer in time costs a scrape only its patience: the
// figures are then those of the last answer, and
// larder_backend_inspection_success is 0.
type Backends struct {
	options BackendOptions
	success *prometheus.Desc
	running sync.WaitGroup
	list    func() []Backend

	mu      sync.Mutex
	watched []*watched
}

var _ prometheus.Collector = (*Backends)(nil)

// watched is one backend and its last answer.
type watched struct {
	Backend

	mu      sync.Mutex
	asked   time.Time
	done    chan struct{} // of the question under way, or of the last one
	figures []Figure
	ok      bool
}

// NewBackends makes a collector, to be registered by the caller. Backends says which there
// are at a time; one of a name is taken for the same.
func NewBackends(backends func() []Backend, o BackendOptions) *Backends {
	return &Backends{
		list: backends,
		options: BackendOptions{
			Fresh:    cmp.Or(o.Fresh, time.Second),
			Patience: cmp.Or(o.Patience, 2*time.Second),
		},
		success: prometheus.NewDesc("larder_backend_inspection_success", "Whether the backend told its figures in time.", []string{"backend"}, nil),
	}
}

// now are the backends there are, with their last answers.
func (b *Backends) now() []*watched {
	b.mu.Lock()
	defer b.mu.Unlock()
	var next []*watched
	for _, backend := range b.list() {
		i := slices.IndexFunc(b.watched, func(w *watched) bool { return w.Name == backend.Name })
		if i < 0 {
			next = append(next, &watched{Backend: backend})
			continue
		}
		b.watched[i].ask(backend.Figures)
		next = append(next, b.watched[i])
	}
	b.watched = next
	return next
}

// ask has another function be asked from now on.
func (w *watched) ask(figures func(context.Context) ([]Figure, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Backend.Figures = figures
}

// Close waits for the questions under way, which is no longer than a backend
// outlives its context. Nothing is collected afterwards.
func (b *Backends) Close() error {
	b.running.Wait()
	return nil
}

// Describe sends nothing: which figures there are is the backends' to say.
func (b *Backends) Describe(chan<- *prometheus.Desc) {}

// Collect asks all backends at once and waits for them within its patience.
func (b *Backends) Collect(metrics chan<- prometheus.Metric) {
	backends := b.now()
	answers := make([]<-chan struct{}, len(backends))
	for i, w := range backends {
		answers[i] = b.ask(w)
	}
	patience := time.NewTimer(b.options.Patience)
	defer patience.Stop()
	late := false
	helps := make(map[string]string) // of a name there is one, whatever different engines mean by it
	for i, w := range backends {
		inTime := isClosed(answers[i])
		if !inTime && !late {
			select {
			case <-answers[i]:
				inTime = true
			case <-patience.C:
				late = true
			}
		}
		figures, ok := w.last()
		var success float64
		if ok && inTime {
			success = 1
		}
		metrics <- prometheus.MustNewConstMetric(b.success, prometheus.GaugeValue, success, w.Name)
		for _, f := range figures {
			if first, found := helps[f.exported()]; found {
				f.Help = first
			}
			helps[f.exported()] = f.Help
			metrics <- f.metric("backend", w.Name)
		}
	}
}

// Figures gives what a backend tells, by the names that metrics have for it
// after larder_backend_. There are none where it does not answer within ctx and
// the patience of a scrape.
func (b *Backends) Figures(ctx context.Context, backend string) map[string]float64 {
	told := make(map[string]float64)
	backends := b.now()
	i := slices.IndexFunc(backends, func(w *watched) bool { return w.Name == backend })
	if i < 0 {
		return told
	}
	patience := time.NewTimer(b.options.Patience)
	defer patience.Stop()
	select {
	case <-b.ask(backends[i]):
	case <-patience.C:
		return told
	case <-ctx.Done():
		return told
	}
	figures, ok := backends[i].last()
	if !ok {
		return told
	}
	for _, f := range figures {
		if !math.IsNaN(f.Value) && !math.IsInf(f.Value, 0) { // no numbers in JSON
			told[f.exported()] = f.Value
		}
	}
	return told
}

// ask gives the channel that is closed once w has a fresh answer. At most one
// question to a backend is under way.
func (b *Backends) ask(w *watched) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done != nil && (!isClosed(w.done) || time.Since(w.asked) < b.options.Fresh) {
		return w.done
	}
	done := make(chan struct{})
	w.done, w.asked = done, time.Now()
	question := w.Backend.Figures
	b.running.Go(func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(context.Background(), b.options.Patience)
		defer cancel()
		figures, err := question(ctx)
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.ok = err == nil; w.ok {
			w.figures = figures
		}
	})
	return done
}

func (w *watched) last() ([]Figure, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.figures, w.ok
}

// exported is the figure's name, with the end that counters have.
func (f Figure) exported() string {
	if f.Counter && !strings.HasSuffix(f.Name, "_total") {
		return f.Name + "_total"
	}
	return f.Name
}

// metric is the figure of one of the things that there are several of.
func (f Figure) metric(kind, name string) prometheus.Metric {
	grows := prometheus.GaugeValue
	if f.Counter {
		grows = prometheus.CounterValue
	}
	metric, err := prometheus.NewConstMetric(prometheus.NewDesc("larder_"+kind+"_"+f.exported(), f.Help, []string{kind}, nil), grows, f.Value, name)
	if err != nil {
		return prometheus.NewInvalidMetric(prometheus.NewInvalidDesc(err), err)
	}
	return metric
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
