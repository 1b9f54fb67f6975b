package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"larder/internal/buildinfo"
)

// NewRegistry makes a registry that knows the Go runtime, the process and this
// build.
func NewRegistry(build buildinfo.Info) *prometheus.Registry {
	about := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "larder_build_info",
		Help: "Always 1; the labels say which larder this is.",
		ConstLabels: prometheus.Labels{
			"version":   build.Version,
			"revision":  build.Revision,
			"goversion": build.Go,
		},
	})
	about.Set(1)
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		about,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return registry
}
