package telemetry

import (
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// Strategies exports what strategies count as larder_strategy_NAME{strategy="…"}.
type Strategies struct {
	// Figures gives those of each by its name; it takes no time worth speaking of.
	Figures func() map[string][]Figure
}

var _ prometheus.Collector = Strategies{}

// Describe sends nothing: which figures there are is the strategies' to say.
func (s Strategies) Describe(chan<- *prometheus.Desc) {}

// Collect asks all.
func (s Strategies) Collect(metrics chan<- prometheus.Metric) {
	collect(metrics, "strategy", s.Figures())
}

// collect gives the figures of all things of a kind, in the order of their names.
func collect(metrics chan<- prometheus.Metric, kind string, all map[string][]Figure) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, f := range all[name] {
			metrics <- f.metric(kind, name)
		}
	}
}

// Values are figures by the names that metrics have for them after larder_strategy_ or
// larder_backend_.
func Values(figures []Figure) map[string]float64 {
	values := make(map[string]float64, len(figures))
	for _, f := range figures {
		values[f.exported()] = f.Value
	}
	return values
}
