package app

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"larder/api"
	"larder/internal/config"
	"larder/internal/testenv"
)

// TestRoutesOverHTTP changes the routes of two gateways while clients write, none of whose
// requests fails for it.
func TestRoutesOverHTTP(t *testing.T) {
	redis := testenv.Redis(t)
	cfg := settings(t)
	cfg.Primary, cfg.RedisPrefix = config.Default().Primary, redis.Prefix
	cfg.Backends = config.Backends{{Name: "pg", URL: testenv.Postgres(t)}, {Name: "hot", URL: redis.URL}}
	first := start(t, cfg, Options{})
	base := "http://" + first.logged("ready")["address"].(string)
	other := "http://" + start(t, cfg, Options{}).logged("ready")["address"].(string)

	resp, body := exchange(t, http.MethodGet, base+"/routes", "")
	if resp.StatusCode != http.StatusOK || resp.Header.Get("ETag") != "" || body != `{"routes":[{"members":["pg"],"pattern":"*","strategy":"primary-only"}]}`+"\n" {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	stop := make(chan struct{})
	var clients sync.WaitGroup
	var written atomic.Int64
	for n, at := range []string{base, other} {
		clients.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				key := "/tables/steady/keys/" + string(rune('a'+n))
				if resp, body := exchange(t, http.MethodPut, at+key, "1"); resp.StatusCode >= 300 {
					t.Errorf("a write failed: %d %s", resp.StatusCode, body)
					return
				}
				if resp, body := exchange(t, http.MethodGet, at+key, ""); resp.StatusCode != http.StatusOK {
					t.Errorf("a read failed: %d %s", resp.StatusCode, body)
					return
				}
				written.Add(1)
			}
		})
	}
	cached := `{"routes":[{"pattern":"*","strategy":"cache-aside","members":["pg","hot"]},{"pattern":"sessions","strategy":"primary-only","members":["hot"]}]}`
	plain := `{"routes":[{"members":["pg"],"pattern":"*","strategy":"primary-only"}]}`
	for n := range 6 {
		routes := cached
		if n%2 == 1 {
			routes = plain
		}
		resp, body := exchange(t, http.MethodPut, base+"/routes?moves=allowed", routes)
		if resp.StatusCode != http.StatusOK || resp.Header.Get("ETag") != `"`+string(rune('1'+n))+`"` {
			t.Fatalf("%d %s %v", resp.StatusCode, body, resp.Header)
		}
		soon(t, "the other gateway to follow", func() bool {
			there, _ := exchange(t, http.MethodGet, other+"/routes", "")
			return there.Header.Get("ETag") == resp.Header.Get("ETag")
		})
	}
	close(stop)
	clients.Wait()
	if written.Load() == 0 {
		t.Error("nothing was written meanwhile")
	}

	if resp, _ := exchange(t, http.MethodPut, base+"/routes", cached, "If-Match", `"2"`); resp.StatusCode != http.StatusPreconditionFailed {
		t.Errorf("at an old version: %d", resp.StatusCode)
	}
	exchange(t, http.MethodPut, base+"/tables/sessions/keys/1", `1`)
	resp, body = exchange(t, http.MethodPut, base+"/routes", cached)
	if resp.StatusCode != http.StatusConflict || !strings.Contains(body, "tables_would_move") || !strings.Contains(body, "sessions from pg to hot") {
		t.Errorf("a table that would leave its entries behind: %d %s", resp.StatusCode, body)
	}
	resp, body = exchange(t, http.MethodPut, base+"/routes?dry_run=true", cached)
	var changed api.RoutesChanged
	if err := json.Unmarshal([]byte(body), &changed); err != nil || resp.StatusCode != http.StatusOK || len(changed.Moves) != 1 || changed.Moves[0] != (api.RouteMove{Table: "sessions", From: "pg", To: "hot"}) {
		t.Errorf("a dry run: %d %s", resp.StatusCode, body)
	}
	resp, body = exchange(t, http.MethodPut, base+"/routes", `{"routes":[{"pattern":"*","strategy":"primary-only","members":["pg"]},{"pattern":"a","strategy":"primary-only","members":["cold"]}]}`)
	if resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, "invalid_routes") || !strings.Contains(body, `"/routes/1/members"`) {
		t.Errorf("a member that is none: %d %s", resp.StatusCode, body)
	}
	if resp, body := exchange(t, http.MethodPut, base+"/routes?moves=perhaps", plain); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("%d %s", resp.StatusCode, body)
	}

	// They count after a start, too, in place of the settings'.
	cfg.Routes = "*=primary-only(hot)"
	again := start(t, cfg, Options{})
	again.logged("routes that were put count, and those of the settings do not")
	if _, body := exchange(t, http.MethodGet, "http://"+again.logged("ready")["address"].(string)+"/routes", ""); body != plain+"\n" {
		t.Errorf("after a start the routes are %s", body)
	}
}

// TestRoutesOfAFile has a gateway with one store, which has routes all the same.
func TestRoutesOfAFile(t *testing.T) {
	cfg := settings(t)
	cfg.Primary = "bolt://" + filepath.Join(t.TempDir(), "x.db")
	base := "http://" + start(t, cfg, Options{}).logged("ready")["address"].(string)
	if _, body := get(t, base+"/routes"); body != `{"routes":[{"members":["primary"],"pattern":"*","strategy":"primary-only"}]}`+"\n" {
		t.Errorf("the routes are %s", body)
	}
}
