package app

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/rs/zerolog"

	"larder/api"
	"larder/internal/config"
	"larder/internal/store"
)

func TestStatsTellWhatWasAsked(t *testing.T) {
	s := start(t, settings(t), Options{})
	base := "http://" + s.logged("ready")["address"].(string)
	get(t, base+"/tables")
	get(t, base+"/tables/users/keys/nobody")
	status, body := get(t, base+"/stats")
	var stats api.Stats
	if err := json.Unmarshal([]byte(body), &stats); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s (%v)", status, body, err)
	}
	if r := stats.Requests; r.Total != 2 || r.Successful != 1 || r.Failed != 1 || r.BytesOut == 0 || r.Latency.PeakMs <= 0 {
		t.Errorf("requests: %+v", r)
	}
	if len(stats.Operations) != 2 || stats.Operations[0].Operation != "getKey" || stats.Operations[0].Failed != 1 || stats.Operations[1].Operation != "listTables" {
		t.Errorf("operations: %+v", stats.Operations)
	}
	if len(stats.Backends) != 1 || stats.Backends[0].Name != config.PrimaryName || stats.Backends[0].Total == 0 || stats.Backends[0].Failed != 0 {
		t.Errorf("backends: %+v", stats.Backends)
	}
	if stats.StartedAt.IsZero() || stats.Time.Before(stats.StartedAt) {
		t.Errorf("started at %v, now %v", stats.StartedAt, stats.Time)
	}
}

func TestBackendsTellWhatTheyAre(t *testing.T) {
	cfg := settings(t)
	cfg.MaxDepth, cfg.ScanBudget, cfg.MaxValueBytes = 7, 1234, 5000
	s := start(t, cfg, Options{})
	_, body := get(t, "http://"+s.logged("ready")["address"].(string)+"/backends/"+config.PrimaryName)
	var b api.Backend
	if err := json.Unmarshal([]byte(body), &b); err != nil {
		t.Fatal(err)
	}
	if b.Engine != "bbolt" || b.Role != primaryRole || b.State != api.BackendStateUp || len(b.Capabilities) == 0 || b.Durability == "unknown" {
		t.Errorf("got %s", body)
	}
	if b.Limits.MaxDepth != 7 || b.Limits.ScanBudget != 1234 || b.Limits.MaxValueBytes != 5000 {
		t.Errorf("the settings do not reach the backend: %+v", b.Limits)
	}
}

var backendMetrics = regexp.MustCompile(`(?m)^larder_backend_([a-z_]+)\{backend="primary"\} `)

// TestStatsHaveTheFiguresOfBackends compares them with those of /metrics, where
// there is one figure more: whether the backend told any.
func TestStatsHaveTheFiguresOfBackends(t *testing.T) {
	s := start(t, settings(t), Options{})
	base := "http://" + s.logged("ready")["address"].(string)
	figuresAgree(t, base, "file_bytes")
}

// figuresAgree holds that /stats has the figures that /metrics has, and that some of
// them are not 0.
func figuresAgree(t *testing.T, base string, moved ...string) {
	t.Helper()
	_, metrics := get(t, base+"/metrics")
	_, body := get(t, base+"/stats")
	var stats api.Stats
	if err := json.Unmarshal([]byte(body), &stats); err != nil || len(stats.Backends) != 1 {
		t.Fatalf("%s (%v)", body, err)
	}
	var want []string
	for _, line := range backendMetrics.FindAllStringSubmatch(metrics, -1) {
		if line[1] != "inspection_success" {
			want = append(want, line[1])
		}
	}
	slices.Sort(want)
	figures := stats.Backends[0].Figures
	if got := slices.Sorted(maps.Keys(figures)); len(got) == 0 || !slices.Equal(got, want) {
		t.Errorf("/stats has\n%s\nand /metrics\n%s", got, want)
	}
	for _, name := range moved {
		if figures[name] <= 0 {
			t.Errorf("%s is %v", name, figures[name])
		}
	}
}

func TestStatsOfABackendThatTellsNothing(t *testing.T) {
	s := start(t, settings(t), Options{Open: func(ctx context.Context, cfg config.Config, b config.Backend, log zerolog.Logger) (store.Store, error) {
		opened, err := openMember(ctx, cfg, b, log)
		return mute{opened}, err
	}})
	_, body := get(t, "http://"+s.logged("ready")["address"].(string)+"/stats")
	if !strings.Contains(body, `"figures":{}`) {
		t.Errorf("got %s", body)
	}
}

// mute fails to tell about itself.
type mute struct{ store.Store }

func (mute) Inspect(context.Context) (store.Inspection, error) {
	return store.Inspection{}, &store.Error{Code: store.Unavailable}
}

func TestMetricsOfAWholeGatewayPassPrometheusLint(t *testing.T) {
	s := start(t, settings(t), Options{})
	base := "http://" + s.logged("ready")["address"].(string)
	get(t, base+"/tables")
	_, body := get(t, base+"/metrics")
	for _, want := range []string{
		`larder_http_requests_total{code="200",operation="listTables"} 1`, `larder_backend_inspection_success{backend="primary"} 1`,
		`larder_backend_file_bytes{backend="primary"}`, `larder_backend_call_duration_seconds_count{backend="primary",call="tables"} 1`,
		"larder_build_info{", "go_goroutines", "process_resident_memory_bytes",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("/metrics has no %s", want)
		}
	}
	problems, err := testutil.GatherAndLint(s.app.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "larder_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}
