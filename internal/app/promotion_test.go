package app

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"larder/api"
	"larder/internal/testenv"
)

// TestPromotion kills PostgreSQL, which has the system tables too, and has Redis take its
// place: through one gateway, and both go by it. Versions go on. Nothing is lost that both
// had, and the settings of tables are still there. PostgreSQL comes back and is left alone.
func TestPromotion(t *testing.T) {
	server := testenv.StartPostgres(t, testenv.PostgresOptions{})
	redis := testenv.Redis(t)
	cfg := overBoth(t, server.URL("postgres"), redis.URL)
	cfg.RedisPrefix, cfg.Routes = redis.Prefix, "*=multi-write(pg,hot); alone=primary-only(pg)"
	cfg.Backends = cfg.Backends[:2]
	here := "http://" + start(t, cfg, Options{}).logged("ready")["address"].(string)
	there := "http://" + start(t, cfg, Options{}).logged("ready")["address"].(string)

	refused := func(path, code string, status int) {
		t.Helper()
		if resp, body := exchange(t, http.MethodPost, here+path, ""); resp.StatusCode != status || !strings.Contains(body, code) {
			t.Errorf("POST %s: %d %s", path, resp.StatusCode, body)
		}
	}
	exchange(t, http.MethodPut, here+"/tables/users", `{"default_ttl_seconds":3600}`)
	const keys = 20
	for n := range keys {
		for _, v := range []string{"1", "2"} {
			if resp, body := exchange(t, http.MethodPut, here+"/tables/users/keys/k"+strconv.Itoa(n), v); resp.StatusCode >= 300 {
				t.Fatalf("%d %s", resp.StatusCode, body)
			}
		}
	}
	exchange(t, http.MethodDelete, here+"/tables/users/keys/k0", "")
	deleted := time.Now()
	refused("/backends/hot/promote", "primary_serves", http.StatusConflict)
	refused("/backends/pg/promote", "invalid_routes", http.StatusBadRequest)
	refused("/backends/nobody/promote", "not_found", http.StatusNotFound)
	soon(t, "Redis to have all", func() bool {
		_, body := exchange(t, http.MethodGet, here+"/stats", "")
		var stats api.Stats
		if err := json.Unmarshal([]byte(body), &stats); err != nil {
			t.Fatal(err)
		}
		for _, s := range stats.Strategies {
			if s.Name == "multi-write(pg,hot)" {
				return s.Figures["secondaries_filling"] == 0 && s.Figures["secondary_lag_seconds"] < time.Since(deleted).Seconds()
			}
		}
		return false
	})
	server.Kill(t)
	soon(t, "it to be down", func() bool {
		_, body := exchange(t, http.MethodGet, here+"/health", "")
		return strings.Contains(body, `"down"`)
	})

	promote := func(query string) (told api.Promotion) {
		t.Helper()
		resp, body := exchange(t, http.MethodPost, here+"/backends/hot/promote"+query, "")
		if err := json.Unmarshal([]byte(body), &told); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
		if told.Name != "hot" || told.Epoch != 1 || told.System != "hot" || len(told.Replaced) != 1 || told.Replaced[0].Name != "pg" ||
			len(told.Left) != 1 || told.Left[0].Pattern != "alone" {
			t.Errorf("told %s", body)
		}
		for _, r := range told.Routes {
			if want := map[string]string{"*": "hot pg", "alone": "pg"}[r.Pattern]; strings.Join(r.Members, " ") != want {
				t.Errorf("the route is %+v", r)
			}
		}
		return told
	}
	promote("?dry_run=true")
	if resp, _ := exchange(t, http.MethodPut, here+"/tables/users/keys/k1", "3"); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a dry run changed something: %d", resp.StatusCode)
	}
	promote("")
	for n, at := range []string{here, there} {
		soon(t, "gateway "+strconv.Itoa(n)+" to write", func() bool {
			resp, _ := exchange(t, http.MethodPut, at+"/tables/users/keys/k1", "3")
			return resp.StatusCode < 300
		})
		if resp, body := exchange(t, http.MethodGet, at+"/tables/users/keys/k2", ""); body != "2" || resp.Header.Get("Larder-Version") != "2" || resp.Header.Get("Larder-Expires-At") == "" {
			t.Errorf("k2 is %s, %v", body, resp.Header)
		}
		if resp, _ := exchange(t, http.MethodGet, at+"/tables/users/keys/k0", ""); resp.StatusCode != http.StatusNotFound {
			t.Errorf("what was deleted is back: %d", resp.StatusCode)
		}
		if resp, _ := exchange(t, http.MethodPut, at+"/tables/users/keys/new"+strconv.Itoa(n), "1"); resp.Header.Get("Larder-Expires-At") == "" {
			t.Error("the settings of the table are forgotten")
		}
		if resp, _ := exchange(t, http.MethodGet, at+"/tables/alone/keys/k", ""); resp.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("a table that was in PostgreSQL alone is read: %d", resp.StatusCode)
		}
	}
	if resp, _ := exchange(t, http.MethodPut, there+"/tables/users/keys/k0", "1"); resp.Header.Get("Larder-Version") != "4" {
		t.Errorf("a key that was deleted begins at version %s", resp.Header.Get("Larder-Version"))
	}
	server.Start(t)
	for _, at := range []string{here, there} {
		soon(t, "it to be fenced", func() bool {
			_, body := exchange(t, http.MethodGet, at+"/health", "")
			return strings.Contains(body, `"state":"fenced"`) && strings.Contains(body, "its place was taken by hot")
		})
		if resp, _ := exchange(t, http.MethodGet, at+"/tables/alone/keys/k", ""); resp.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("it is read: %d", resp.StatusCode)
		}
	}
	refused("/backends/pg/promote", "primary_serves", http.StatusConflict)

	// One that starts now goes by it too, though its settings say something else.
	late := "http://" + start(t, cfg, Options{}).logged("ready")["address"].(string)
	if resp, body := exchange(t, http.MethodGet, late+"/tables/users/keys/k1", ""); body != "3" {
		t.Errorf("one that starts later reads %d %s", resp.StatusCode, body)
	}
	if resp, body := exchange(t, http.MethodPut, late+"/tables/users/keys/k1", "4"); resp.StatusCode >= 300 || resp.Header.Get("Larder-Replication") != "pending" {
		t.Errorf("one that starts later writes %d %s %v", resp.StatusCode, body, resp.Header)
	}
}
