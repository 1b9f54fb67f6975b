package app

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"larder/api"
	"larder/internal/backend"
	"larder/internal/store"
	"larder/internal/testenv"
	"larder/internal/value"
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
	// One that starts now goes by it too, though its settings say something else.
	late := "http://" + start(t, cfg, Options{}).logged("ready")["address"].(string)
	if resp, body := exchange(t, http.MethodGet, late+"/tables/users/keys/k1", ""); body != "3" {
		t.Errorf("one that starts later reads %d %s", resp.StatusCode, body)
	}
	if resp, body := exchange(t, http.MethodPut, late+"/tables/users/keys/k1", "4"); resp.StatusCode >= 300 || resp.Header.Get("Larder-Replication") != "pending" {
		t.Errorf("one that starts later writes %d %s %v", resp.StatusCode, body, resp.Header)
	}
	server.Start(t)
	for _, at := range []string{here, there, late} {
		soon(t, "it to be fenced", func() bool {
			_, body := exchange(t, http.MethodGet, at+"/health", "")
			return strings.Contains(body, `"state":"fenced"`) && strings.Contains(body, "its place was taken by hot")
		})
		if resp, _ := exchange(t, http.MethodGet, at+"/tables/alone/keys/k", ""); resp.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("it is read: %d", resp.StatusCode)
		}
	}
	refused("/backends/pg/promote", "primary_serves", http.StatusConflict)

	// What PostgreSQL had acknowledged and nobody else got is found when the two are compared.
	pg, err := backend.Open(t.Context(), server.URL("postgres"), backend.Options{Name: "pg", Logger: new(zerolog.Nop())})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pg.Close() }()
	key := func(name string) store.Ref { return store.Ref{Table: "users", Key: name} }
	for _, name := range []string{"k1", "k5", "k6", "only"} {
		op := store.Op{Kind: store.Put, Ref: key(name), Value: value.Value{Data: []byte("77")}}
		if name == "k6" {
			op = store.Op{Kind: store.Delete, Ref: key(name)}
		}
		if _, err := pg.Apply(t.Context(), store.Batch{Ops: []store.Op{op}}); err != nil {
			t.Fatal(err)
		}
	}
	refused("/backends/hot/compare", "not_fenced", http.StatusConflict)
	refused("/backends/nobody/compare", "not_found", http.StatusNotFound)
	compare := func(query string, lifted bool) {
		t.Helper()
		resp, body := exchange(t, http.MethodPost, late+"/backends/pg/compare"+query, "")
		at := resp.Header.Get("Location")
		if resp.StatusCode != http.StatusAccepted || at == "" {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
		soon(t, "the comparison", func() bool {
			_, body = exchange(t, http.MethodGet, here+at, "")
			return !strings.Contains(body, `"running"`)
		})
		var op struct{ Result comparisonResult }
		if err := json.Unmarshal([]byte(body), &op); err != nil {
			t.Fatal(err)
		}
		if got := op.Result; got.With != "hot" || got.Recovered != 3 || got.Overruled != 1 || got.OverruledKeys[0].Key != "k1" || got.Lifted != lifted {
			t.Errorf("it came to %s", body)
		}
	}
	compare("?dry_run=true", false)
	compare("", true)
	for _, at := range []string{here, there, late} {
		soon(t, "all to be up", func() bool {
			_, body := exchange(t, http.MethodGet, at+"/health", "")
			return strings.Count(body, `"state":"up"`) == 2
		})
		for name, want := range map[string]string{"k1": "4", "k5": "77", "only": "77"} {
			if _, body := exchange(t, http.MethodGet, at+"/tables/users/keys/"+name, ""); body != want {
				t.Errorf("%s is %s, want %s", name, body, want)
			}
		}
		if resp, _ := exchange(t, http.MethodGet, at+"/tables/users/keys/k6", ""); resp.StatusCode != http.StatusNotFound {
			t.Errorf("a deletion is forgotten: %d", resp.StatusCode)
		}
	}
	soon(t, "a write that reaches both", func() bool {
		resp, _ := exchange(t, http.MethodPut, here+"/tables/users/keys/k1", "5")
		return resp.Header.Get("Larder-Replication") == "complete"
	})
	read, err := pg.Get(t.Context(), []store.Ref{key("k1"), key("k5"), key("k6"), key("only")})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"5", "77", "", "77"} {
		if e := read.Entries[i]; string(e.Value.Data) != want {
			t.Errorf("in PostgreSQL %s is %s, want %s", e.Key, e.Value.Data, want)
		}
	}
	resp, body := exchange(t, http.MethodGet, there+"/operations?limit=1", "")
	if resp.StatusCode != http.StatusOK || !strings.Contains(body, `"state":"succeeded"`) || resp.Header.Get("Link") == "" {
		t.Errorf("the operations are %d %s", resp.StatusCode, body)
	}
	if resp, body := exchange(t, http.MethodPost, there+"/operations/none/cancel", ""); resp.StatusCode != http.StatusNotFound {
		t.Errorf("one that is none is canceled: %d %s", resp.StatusCode, body)
	}
}
