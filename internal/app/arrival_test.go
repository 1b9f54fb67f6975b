package app

import (
	"net/http"
	"strings"
	"testing"

	"larder/internal/testenv"
)

// TestPostgresIsAdded adds an empty PostgreSQL to a gateway over a file, stores tables in it,
// and starts the gateway again while it is away.
func TestPostgresIsAdded(t *testing.T) {
	server := testenv.StartPostgres(t, testenv.PostgresOptions{})
	cfg := settings(t)
	gateway := start(t, cfg, Options{})
	base := "http://" + gateway.logged("ready")["address"].(string)
	does := func(method, path, body string, status int, parts ...string) {
		t.Helper()
		resp, answer := exchange(t, method, base+path, body)
		if resp.StatusCode != status {
			t.Fatalf("%s %s: %d %s, want %d", method, path, resp.StatusCode, answer, status)
		}
		for _, part := range parts {
			if !strings.Contains(answer, part) {
				t.Errorf("%s %s: %s, without %s", method, path, answer, part)
			}
		}
	}
	does(http.MethodPut, "/backends/pg", `{"url":"`+server.URL("postgres")+`"}`, http.StatusCreated, `"engine":"postgresql"`)
	does(http.MethodPut, "/routes", `{"routes":[{"pattern":"*","strategy":"primary-only","members":["primary"]},{"pattern":"big*","strategy":"primary-only","members":["pg"]}]}`, http.StatusOK)
	does(http.MethodPut, "/tables/big/keys/a", `{"n":1}`, http.StatusCreated)
	does(http.MethodPost, "/tables/big/keys/c/increment", `{"delta":2,"initial":0}`, http.StatusOK, `"value":2`)
	does(http.MethodPut, "/tables/big/indexes/n", `{"fields":[{"path":"/n","type":"number"}]}`, http.StatusCreated)
	does(http.MethodPost, "/tables/big/query", `{"filter":{"path":"/n","op":"eq","value":1}}`, http.StatusOK, `"a"`)
	does(http.MethodPut, "/tables/small/keys/a", "1", http.StatusCreated)
	does(http.MethodGet, "/tables", "", http.StatusOK, `"big"`, `"small"`)

	server.Stop(t)
	soon(t, "the list of tables without it", func() bool {
		status, body := get(t, base+"/tables")
		return status == http.StatusOK && strings.Contains(body, `"small"`) && !strings.Contains(body, `"big"`) && strings.Contains(body, `"incomplete":["pg"]`)
	})
	gateway.stop()
	if err := gateway.ended(); err != nil {
		t.Fatal(err)
	}
	gateway = start(t, cfg, Options{})
	base = "http://" + gateway.logged("ready")["address"].(string)
	does(http.MethodGet, "/backends/pg", "", http.StatusOK, `"state":"down"`, `"engine":"postgresql"`)
	does(http.MethodGet, "/health", "", http.StatusOK, `"state":"down"`, "the database can't be reached")
	does(http.MethodGet, "/tables/small/keys/a", "", http.StatusOK)
	does(http.MethodGet, "/tables/big/keys/a", "", http.StatusServiceUnavailable)
	does(http.MethodDelete, "/backends/pg", "", http.StatusConflict, "backend_in_use")

	server.Start(t)
	soon(t, "its tables", func() bool {
		status, body := get(t, base+"/tables/big/keys/a")
		return status == http.StatusOK && body == `{"n":1}`
	})
	says(t, base+"/backends/pg", http.StatusOK, `"state":"up"`)
	does(http.MethodPost, "/tables/big/query", `{"filter":{"path":"/n","op":"eq","value":1}}`, http.StatusOK, `"a"`)
	if _, body := get(t, base+"/tables"); strings.Contains(body, "incomplete") || !strings.Contains(body, `"big"`) {
		t.Errorf("the tables are %s", body)
	}
}

// TestDisabledSecondaryCatchesUp has a secondary that was disabled, or drained, get what was
// written meanwhile, deletions too. Its state is kept over a start.
func TestDisabledSecondaryCatchesUp(t *testing.T) {
	server := testenv.StartPostgres(t, testenv.PostgresOptions{})
	redis := testenv.Redis(t)
	cfg := overBoth(t, server.URL("postgres"), redis.URL)
	cfg.RedisPrefix, cfg.Routes = redis.Prefix, "*=multi-write(pg,hot)"
	cfg.Backends = cfg.Backends[:2]
	gateway := start(t, cfg, Options{})
	base := "http://" + gateway.logged("ready")["address"].(string)
	write := func(key, value string) {
		t.Helper()
		method := http.MethodPut
		if value == "" {
			method = http.MethodDelete
		}
		if resp, body := exchange(t, method, base+"/tables/t/keys/"+key, value); resp.StatusCode >= 300 {
			t.Fatalf("%s %s: %d %s", method, key, resp.StatusCode, body)
		}
	}
	use := func(state string) {
		t.Helper()
		if resp, body := exchange(t, http.MethodPatch, base+"/backends/hot", `{"state":"`+state+`"}`); resp.StatusCode != http.StatusOK {
			t.Fatalf("it becomes %s: %d %s", state, resp.StatusCode, body)
		}
	}
	for round, state := range []string{"draining", "disabled"} {
		key := "k" + string(rune('a'+round))
		write(key, "1")
		write("gone"+key, "1")
		use(state)
		write(key, "2")
		write("gone"+key, "")
		write("new"+key, "3")
		gateway.stop()
		if err := gateway.ended(); err != nil {
			t.Fatal(err)
		}
		gateway = start(t, cfg, Options{})
		base = "http://" + gateway.logged("ready")["address"].(string)
		if _, body := get(t, base+"/backends/hot"); !strings.Contains(body, `"state":"`+state+`"`) {
			t.Errorf("after a start it is %s", body)
		}
		write("late"+key, "4")
		use("active")
		says(t, base+"/backends/hot", http.StatusOK, `"state":"up"`)
		resp, body := exchange(t, http.MethodPost, base+"/repairs/verify", "{}")
		if resp.StatusCode != http.StatusAccepted {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
		soon(t, "the two to be compared", func() bool {
			_, body = get(t, base+resp.Header.Get("Location"))
			return !strings.Contains(body, `"running"`)
		})
		if !strings.Contains(body, `"same":true`) || strings.Contains(body, `"compared":0`) {
			t.Errorf("it was %s: %s", state, body)
		}
	}

	// What is known of it without larder's own tables is told while these are away.
	server.Stop(t)
	soon(t, "repairs that say what is missing", func() bool {
		status, body := get(t, base+"/repairs")
		return status == http.StatusOK && strings.Contains(body, `"secondary":"hot"`) && strings.Contains(body, `"incomplete":["pg"]`)
	})
}
