package telemetry

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestStrategies(t *testing.T) {
	t.Parallel()
	figures := map[string][]Figure{
		"cache-aside(pg,hot)": {{Name: "memory_hits", Help: "Hits.", Value: 3, Counter: true}, {Name: "memory_bytes", Help: "Bytes.", Value: 7}},
		"cache-aside(pg,b)":   {{Name: "memory_bytes", Help: "Bytes.", Value: 1}},
	}
	r := prometheus.NewRegistry()
	r.MustRegister(Strategies{Figures: func() map[string][]Figure { return figures }})
	want := `# HELP larder_strategy_memory_bytes Bytes.
# TYPE larder_strategy_memory_bytes gauge
larder_strategy_memory_bytes{strategy="cache-aside(pg,b)"} 1
larder_strategy_memory_bytes{strategy="cache-aside(pg,hot)"} 7
# HELP larder_strategy_memory_hits_total Hits.
# TYPE larder_strategy_memory_hits_total counter
larder_strategy_memory_hits_total{strategy="cache-aside(pg,hot)"} 3
`
	if err := testutil.GatherAndCompare(r, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	if v := Values(figures["cache-aside(pg,hot)"]); v["memory_hits_total"] != 3 || v["memory_bytes"] != 7 {
		t.Errorf("the values are %v", v)
	}
}
