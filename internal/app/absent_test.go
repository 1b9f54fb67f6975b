package app

import (
	"net/http"
	"strings"
	"testing"

	"larder/internal/testenv"
)

// TestStartsWithoutABackend starts a gateway while one of its backends is away, which is
// not the one of the system tables: what does not need it is served, and once it is there,
// so is the rest.
func TestStartsWithoutABackend(t *testing.T) {
	server := testenv.StartPostgres(t, testenv.PostgresOptions{})
	redis := testenv.Redis(t)
	cfg := overBoth(t, server.URL("postgres"), redis.URL)
	cfg.RedisPrefix, cfg.System, cfg.Routes = redis.Prefix, "hot", "*=cache-aside(pg,hot); sessions=multi-write(hot,pg); alone=primary-only(hot)"
	cfg.Backends = cfg.Backends[:2]
	server.Stop(t)
	gateway := start(t, cfg, Options{})
	base := "http://" + gateway.logged("ready")["address"].(string)

	if status, body := get(t, base+"/health"); status != http.StatusOK || strings.Count(body, `"state":"down"`) != 1 || !strings.Contains(body, `"engine":"postgresql"`) {
		t.Errorf("the health is %d %s", status, body)
	}
	if status, _ := get(t, base+"/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("without a primary it is ready: %d", status)
	}
	for table, want := range map[string]int{"alone": http.StatusCreated, "sessions": http.StatusCreated, "users": http.StatusServiceUnavailable} {
		if resp, body := exchange(t, http.MethodPut, base+"/tables/"+table+"/keys/k", "1"); resp.StatusCode != want {
			t.Errorf("a write of %s: %d %s", table, resp.StatusCode, body)
		}
	}
	if status, body := get(t, base+"/tables/alone"); status != http.StatusOK {
		t.Errorf("a table that is elsewhere: %d %s", status, body)
	}
	server.Start(t)
	gateway.logged("a backend that could not be reached at the start is there")
	soon(t, "everything to be up", func() bool {
		status, _ := get(t, base+"/readyz")
		resp, _ := exchange(t, http.MethodPut, base+"/tables/users/keys/k", "1")
		read, _ := exchange(t, http.MethodGet, base+"/tables/users/keys/k", "")
		both, _ := exchange(t, http.MethodPut, base+"/tables/sessions/keys/k", "2")
		return status == http.StatusOK && resp.StatusCode < 300 && strings.Contains(read.Header.Get("Cache-Status"), "hit") && both.Header.Get("Larder-Replication") == "complete"
	})
	if status, body := get(t, base+"/backends/pg"); status != http.StatusOK || !strings.Contains(body, `"state":"up"`) || !strings.Contains(body, `"query"`) {
		t.Errorf("the backend is %d %s", status, body)
	}
}
