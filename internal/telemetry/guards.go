package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Guards exports what this process counts of backends as larder_backend_NAME{backend="…"}, as
// what stands before them does and what keeps them up: figures that are there whether or not a backend is.
type Guards struct {
	// Figures gives those of each backend by its name, within a second or so.
	Figures func() map[string][]Figure
}

var _ prometheus.Collector = Guards{}

// Describe sends nothing: which figures there are is the guards' to say.
func (g Guards) Describe(chan<- *prometheus.Desc) {}

// Collect asks all.
func (g Guards) Collect(metrics chan<- prometheus.Metric) { collect(metrics, "backend", g.Figures()) }
