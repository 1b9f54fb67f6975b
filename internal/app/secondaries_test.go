package app

import (
	"context"
	"encoding/json"
	"fmt"
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

// cutOff is a store that can be neither read nor installed into while it is away.
type cutOff struct{ leaving }

func (c *cutOff) Install(ctx context.Context, entries []store.Entry) error {
	if c.down.Load() {
		return &store.Error{Code: store.Unavailable, Err: errAway}
	}
	return c.Model.Install(ctx, entries)
}

// TestBacklog cuts a secondary off, writes a thousand keys, and looks for that number
// wherever it is told, until the secondary is back and has them.
func TestBacklog(t *testing.T) {
	var down atomic.Bool
	cfg := settings(t)
	cfg.Primary, cfg.RetryEnabled, cfg.BreakerEnabled = config.Default().Primary, false, false
	cfg.Backends = config.Backends{{Name: "pg", URL: "redis://127.0.0.1:1/0"}, {Name: "copy", URL: "redis://127.0.0.1:1/1"}}
	cfg.Routes = "*=multi-write(pg,copy)"
	s := start(t, cfg, Options{Open: func(_ context.Context, _ config.Config, b config.Backend, _ zerolog.Logger) (store.Store, error) {
		m := storetest.NewModel(storetest.ModelOptions{Name: b.Name})
		if b.Name == "copy" {
			return &cutOff{leaving{Model: m, down: &down}}, nil
		}
		return m, nil
	}})
	base := "http://" + s.logged("ready")["address"].(string)
	told := func(name string) (b api.Backend) {
		t.Helper()
		_, body := get(t, base+"/backends/"+name)
		if err := json.Unmarshal([]byte(body), &b); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		return b
	}
	everywhere := func(want int64) {
		t.Helper()
		if b := told("copy"); b.Backlog == nil || *b.Backlog != want || b.BacklogMore {
			t.Errorf("GET /backends tells of %+v, want %d", b, want)
		}
		if r := repairsOf(t, base)[0]; r.Backlog == nil || *r.Backlog != want || r.BacklogMore {
			t.Errorf("GET /repairs tells of %+v, want %d", r, want)
		}
		if figure, has := secondaryTold(t, base, "copy")["secondary_backlog_entries"]; !has || figure != float64(want) {
			t.Errorf("/stats tells of %v, want %d", figure, want)
		}
		if _, metrics := get(t, base+"/metrics"); !strings.Contains(metrics, fmt.Sprintf("larder_backend_secondary_backlog_entries{backend=\"copy\"} %d\n", want)) {
			t.Errorf("/metrics does not tell of %d", want)
		}
	}
	exchange(t, http.MethodPut, base+"/tables/users/keys/early", `1`)
	soon(t, "the secondary to have had everything", func() bool {
		b := told("copy")
		return b.LagSeconds != nil && b.Backlog != nil && *b.Backlog == 0
	})
	everywhere(0)
	if b := told("pg"); b.Backlog != nil || b.LagSeconds != nil {
		t.Errorf("of one that is no secondary is told %+v", b)
	}

	down.Store(true)
	for batch := range 10 {
		operations := make([]string, 100)
		for i := range operations {
			operations[i] = fmt.Sprintf(`{"op":"put","table":"users","key":"k%d-%d","value":1}`, batch, i)
		}
		if resp, body := exchange(t, http.MethodPost, base+"/batch", `{"operations":[`+strings.Join(operations, ",")+`]}`); resp.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
	}
	everywhere(1000)
	down.Store(false)
	soon(t, "the secondary to have all again", func() bool { b := told("copy").Backlog; return b != nil && *b == 0 })
	everywhere(0)
}
