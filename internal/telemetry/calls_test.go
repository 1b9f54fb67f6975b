package telemetry

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestCalls(t *testing.T) {
	c := NewCalls("backend")
	primary, cache := c.Use("primary"), c.Use("cache")
	primary.Call("get").Observe(time.Millisecond, "")
	primary.Call("get").Observe(3*time.Millisecond, "")
	primary.Call("apply").Observe(20*time.Millisecond, "unavailable")
	primary.Call("apply").Observe(20*time.Millisecond, "unavailable")
	primary.Call("apply").Observe(20*time.Millisecond, "timeout")
	primary.Call("scan") // never made
	cache.Call("get").Observe(time.Second, "unavailable")

	registry := prometheus.NewRegistry()
	registry.MustRegister(c)
	const want = `
# HELP larder_backend_call_failures_total Calls that failed by the fault of the backend, by code.
# TYPE larder_backend_call_failures_total counter
larder_backend_call_failures_total{backend="cache",call="get",code="unavailable"} 1
larder_backend_call_failures_total{backend="primary",call="apply",code="timeout"} 1
larder_backend_call_failures_total{backend="primary",call="apply",code="unavailable"} 2
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

	told := c.Of("primary")
	const ms = time.Millisecond
	if f := told.Figures; f.Requests != 5 || f.Failed != 3 || f.Successful != 2 || f.Mean != 64*ms/5 || f.Peak != 20*ms {
		t.Errorf("got %+v", f)
	}
	if len(told.Calls) != 2 || told.Calls[0].Name != "apply" || told.Calls[0].Failed != 3 || told.Calls[1].Name != "get" || told.Calls[1].Mean != 2*ms {
		t.Errorf("by call: %+v", told.Calls)
	}
	if !maps.Equal(told.Failures, map[string]uint64{"unavailable": 2, "timeout": 1}) {
		t.Errorf("by code: %v", told.Failures)
	}
	if told := c.Of("nowhere"); told.Figures != (Figures{}) || told.Calls != nil || len(told.Failures) != 0 {
		t.Errorf("got %+v for what there is none of", told)
	}
}

// TestCallsToWhatIsGone: what was counted goes with the last who uses the thing.
func TestCallsToWhatIsGone(t *testing.T) {
	c := NewCalls("backend")
	first := c.Use("hot")
	first.Call("get").Observe(time.Millisecond, "unavailable")
	second := c.Use("hot")
	second.Call("get").Observe(time.Millisecond, "")
	other := c.Use("pg")
	other.Call("get").Observe(time.Millisecond, "")
	first.Release()
	first.Release()
	if told := c.Of("hot"); told.Requests != 2 || told.Failed != 1 {
		t.Errorf("while one uses it, %+v is told of it", told)
	}
	late := second.Call("get")
	second.Release()
	late.Observe(time.Millisecond, "")
	if told := c.Of("hot"); told.Requests != 0 || len(told.Failures) != 0 {
		t.Errorf("%+v is told of what nobody uses", told)
	}
	if n := testutil.CollectAndCount(c); n != 1 {
		t.Errorf("%d metrics are told, want that of pg alone", n)
	}
	again := c.Use("hot")
	again.Call("get").Observe(time.Millisecond, "")
	if told := c.Of("hot"); told.Requests != 1 || told.Failed != 0 {
		t.Errorf("used anew, %+v is told of it", told)
	}
}
