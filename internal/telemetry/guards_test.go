package telemetry

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestGuards(t *testing.T) {
	t.Parallel()
	r := prometheus.NewRegistry()
	r.MustRegister(Guards{Figures: func() map[string][]Figure {
		return map[string][]Figure{
			"pg":  {{Name: "breaker_state", Help: "State.", Value: 2}, {Name: "retries", Help: "Retries.", Value: 5, Counter: true}},
			"hot": {{Name: "breaker_state", Help: "State."}},
		}
	}})
	want := `# HELP larder_backend_breaker_state State.
# TYPE larder_backend_breaker_state gauge
larder_backend_breaker_state{backend="hot"} 0
larder_backend_breaker_state{backend="pg"} 2
# HELP larder_backend_retries_total Retries.
# TYPE larder_backend_retries_total counter
larder_backend_retries_total{backend="pg"} 5
`
	if err := testutil.GatherAndCompare(r, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}
