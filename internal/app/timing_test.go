package app

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"larder/internal/config"
	"larder/internal/store"
	"larder/internal/store/storetest"
)

var durations = regexp.MustCompile(`dur=[0-9]+(\.[0-9]+)?`)

// TestTimingTellsWhoWasAsked asks a gateway with copies what its answers' time went to,
// while the primary serves and while it does not.
func TestTimingTellsWhoWasAsked(t *testing.T) {
	var down atomic.Bool
	cfg := settings(t)
	cfg.Primary, cfg.RetryDelay, cfg.BreakerDelay = config.Default().Primary, time.Millisecond, time.Minute
	cfg.Backends = config.Backends{{Name: "pg", URL: "redis://127.0.0.1:1/0"}, {Name: "hot", URL: "redis://127.0.0.1:1/1"}}
	cfg.Routes = "*=cache-aside(pg,hot)"
	s := start(t, cfg, Options{Open: func(_ context.Context, _ config.Config, b config.Backend, _ zerolog.Logger) (store.Store, error) {
		m := storetest.NewModel(storetest.ModelOptions{Name: b.Name})
		if b.Name == "pg" {
			return &leaving{Model: m, down: &down}, nil
		}
		return m, nil
	}})
	users := "http://" + s.logged("ready")["address"].(string) + "/tables/users/keys/"

	timing := func(method, key, body string, headers ...string) string {
		t.Helper()
		resp, _ := exchange(t, method, users+key, body, append([]string{"Prefer", "return=minimal, timing"}, headers...)...)
		if !strings.Contains(strings.Join(resp.Header["Preference-Applied"], ", "), "timing") {
			t.Errorf("%s %s is answered %d with %v", method, key, resp.StatusCode, resp.Header)
		}
		return durations.ReplaceAllString(resp.Header.Get("Server-Timing"), "dur=N")
	}
	is := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: got %s\nwant %s", what, got, want)
		}
	}
	is("a write", timing(http.MethodPut, "ada", "1"), `pg;desc="apply";dur=N, hot;desc="keep";dur=N, total;dur=N`)
	soon(t, "a copy in memory to answer", func() bool {
		return timing(http.MethodGet, "ada", "") == `memory;desc="hit", total;dur=N`
	})
	is("a miss", timing(http.MethodGet, "nobody", ""), `memory;desc="miss", hot;desc="look; miss";dur=N, pg;desc="get";dur=N, total;dur=N`)
	is("no copy wanted", timing(http.MethodGet, "ada", "", "Cache-Control", "no-cache"), `pg;desc="get";dur=N, total;dur=N`)
	is("a version that nobody has", timing(http.MethodGet, "ada", "", "Larder-Min-Version", "7"), `memory;desc="stale: a newer version was asked for", hot;desc="look; hit";dur=N, hot;desc="stale: a newer version was asked for", pg;desc="get";dur=N, total;dur=N`)
	is("what is wrong", timing(http.MethodGet, "ada", "", "Larder-Min-Version", "x"), `total;dur=N`)

	down.Store(true)
	const attempt = `pg;desc="get; unavailable";dur=N, `
	is("a primary that is down", timing(http.MethodGet, "x", "", "Cache-Control", "no-cache"), attempt+attempt+attempt+`total;dur=N`)
	soon(t, "the breaker to open", func() bool {
		return timing(http.MethodGet, "x", "", "Cache-Control", "no-cache") == `pg;desc="get; refused: the breaker is open; unavailable";dur=N, total;dur=N`
	})
}

// TestTimingIsToldToWhoAsks holds that nobody else is told.
func TestTimingIsToldToWhoAsks(t *testing.T) {
	s := start(t, settings(t), Options{})
	base := "http://" + s.logged("ready")["address"].(string)
	for prefer, told := range map[string]bool{"": false, "return=minimal": false, "timing=1": false, "timings": false, "timing": true, "wait=1, Timing": true} {
		resp, _ := exchange(t, http.MethodGet, base+"/tables", "", "Prefer", prefer)
		if got := resp.Header.Get("Server-Timing"); (got != "") != told || told && !strings.HasPrefix(got, `primary;desc="tables";dur=`) {
			t.Errorf("who prefers %q is told %q", prefer, got)
		}
	}
}
