package app

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"

	"larder/api"
	"larder/internal/config"
	"larder/internal/store"
	"larder/internal/store/storetest"
)

// statsOf are the figures of a gateway, with those of its calls by "pg get" and the like.
func statsOf(t *testing.T, base string) (stats api.Stats, calls map[string]api.CallStats) {
	t.Helper()
	_, body := get(t, base+"/stats")
	if err := json.Unmarshal([]byte(body), &stats); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	calls = make(map[string]api.CallStats)
	for _, b := range stats.Backends {
		for _, c := range b.Calls {
			calls[b.Name+" "+c.Call] = c
		}
	}
	for _, s := range stats.Strategies {
		for _, c := range s.Calls {
			calls[s.Name+" "+c.Call] = c
		}
	}
	return stats, calls
}

// TestFiguresAfterKnownWork does some work, while the primary serves and while it does not,
// and looks for it in /stats and /metrics, by backend, strategy and call.
func TestFiguresAfterKnownWork(t *testing.T) {
	var down atomic.Bool
	cfg := settings(t)
	cfg.Primary, cfg.RetryEnabled, cfg.BreakerEnabled = config.Default().Primary, false, false
	cfg.Backends = config.Backends{{Name: "pg", URL: "redis://127.0.0.1:1/0"}, {Name: "hot", URL: "redis://127.0.0.1:1/1"}}
	cfg.Routes = "*=cache-aside(pg,hot); plain=primary-only(pg)"
	s := start(t, cfg, Options{Open: func(_ context.Context, _ config.Config, b config.Backend, _ zerolog.Logger) (store.Store, error) {
		m := storetest.NewModel(storetest.ModelOptions{Name: b.Name})
		if b.Name == "pg" {
			return &leaving{Model: m, down: &down}, nil
		}
		return m, nil
	}})
	base := "http://" + s.logged("ready")["address"].(string)
	const cached, plain = "cache-aside(pg,hot)", "primary-only(pg)"
	_, before := statsOf(t, base)

	for _, key := range []string{"a", "b", "c"} {
		exchange(t, http.MethodPut, base+"/tables/users/keys/"+key, `"12345678"`)
	}
	for range 4 {
		exchange(t, http.MethodGet, base+"/tables/users/keys/a", "", "Cache-Control", "no-cache")
	}
	exchange(t, http.MethodPut, base+"/tables/plain/keys/a", `1`)
	down.Store(true)
	exchange(t, http.MethodGet, base+"/tables/users/keys/b", "", "Cache-Control", "no-cache")
	exchange(t, http.MethodGet, base+"/tables/users/keys/b", "", "Cache-Control", "no-cache, stale-if-error=60")
	exchange(t, http.MethodGet, base+"/tables/plain/keys/a", "")

	stats, after := statsOf(t, base)
	for name, want := range map[string]api.CallStats{
		"pg apply":        {Total: 4},
		"hot keep":        {Total: 3},
		cached + " apply": {Total: 3},
		cached + " get":   {Total: 6, Failed: 1},
		plain + " apply":  {Total: 1},
		plain + " get":    {Total: 1, Failed: 1},
	} {
		got := after[name]
		if got.Total-before[name].Total != want.Total || got.Failed != want.Failed || got.Latency.PeakMs < got.Latency.AverageMs {
			t.Errorf("%s: %+v, and before %+v, want %+v", name, got, before[name], want)
		}
	}
	if r := stats.Requests; r.Total != 12 || r.Successful != 10 || r.Failed != 2 || r.BytesIn != 3*10+1 || r.BytesOut == 0 || stats.Fallbacks != 1 {
		t.Errorf("of 12 requests, one of them for the figures before: %+v, and %d fallbacks", r, stats.Fallbacks)
	}
	for _, told := range stats.Strategies {
		if told.Failed != 1 || told.Failures["unavailable"] != 1 || len(told.Failures) != 1 {
			t.Errorf("failures of %s: %d, %v", told.Name, told.Failed, told.Failures)
		}
	}
	if pg := stats.Backends[0]; pg.Failed != after["pg get"].Failed || pg.Failures["unavailable"] != pg.Failed || pg.Failed < 3 {
		t.Errorf("failures of pg: %+v", pg)
	}
	_, metrics := get(t, base+"/metrics")
	for _, want := range []string{
		`larder_strategy_call_duration_seconds_count{call="get",strategy="cache-aside(pg,hot)"} 6`,
		`larder_strategy_call_duration_seconds_bucket{call="apply",strategy="primary-only(pg)",le="+Inf"} 1`,
		`larder_strategy_call_failures_total{call="get",code="unavailable",strategy="cache-aside(pg,hot)"} 1`,
		`larder_backend_call_failures_total{backend="pg",call="get",code="unavailable"} `,
		`larder_strategy_fallbacks_total{strategy="cache-aside(pg,hot)"} 1`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics has no %s", want)
		}
	}
	if strings.Contains(metrics, "users") || strings.Contains(metrics, `"plain"`) {
		t.Error("/metrics tells of tables")
	}
}
