package telemetry

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestCalls(t *testing.T) {
	c := NewCalls()
	c.Call("primary", "get").Observe(time.Millisecond, false)
	c.Call("primary", "get").Observe(3*time.Millisecond, false)
	c.Call("primary", "apply").Observe(20*time.Millisecond, true)
	c.Call("primary", "scan") // never made
	c.Call("cache", "get").Observe(time.Second, false)

	registry := prometheus.NewRegistry()
	registry.MustRegister(c)
	const want = `
# HELP larder_backend_call_failures_total Calls that failed by the backend's fault.
# TYPE larder_backend_call_failures_total counter
larder_backend_call_failures_total{backend="cache",call="get"} 0
larder_backend_call_failures_total{backend="primary",call="apply"} 1
larder_backend_call_failures_total{backend="primary",call="get"} 0
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "larder_backend_call_failures_total"); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	if n := testutil.CollectAndCount(c, "larder_backend_call_duration_seconds"); n != 3 {
		t.Errorf("%d histograms, want 3", n)
	}

	f := c.Backend("primary")
	if f.Requests != 3 || f.Failed != 1 || f.Successful != 2 || f.Mean != 8*time.Millisecond || f.Peak != 20*time.Millisecond {
		t.Errorf("got %+v", f)
	}
	if f := c.Backend("nowhere"); f != (Figures{}) {
		t.Errorf("got %+v for a backend that there is none of", f)
	}
}
