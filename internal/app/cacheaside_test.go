package app

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"larder/api"
	"larder/internal/config"
	"larder/internal/testenv"
)

// answer is what stands before an answer's body.
type answer struct {
	StatusCode int
	Header     http.Header
}

// exchange sends a request and gives its answer and the body of it.
func exchange(t *testing.T, method, url, body string, headers ...string) (answer, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header}, string(text)
}

// soon asks until the answer is what is wanted.
func soon(t *testing.T, what string, isSo func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for timeout := time.After(patience); !isSo(); {
		select {
		case <-timeout:
			t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

// overBoth are settings for a gateway whose tables are in PostgreSQL with copies in
// Redis, but for one in a file.
func overBoth(t *testing.T, database, redis string) config.Config {
	t.Helper()
	cfg := settings(t)
	cfg.Primary = config.Default().Primary
	cfg.Backends = config.Backends{
		{Name: "pg", URL: database},
		{Name: "hot", URL: redis},
		{Name: "local", URL: "bolt://" + filepath.Join(t.TempDir(), "local.db")},
	}
	cfg.Routes = "*=cache-aside(pg,hot); notes=primary-only(local); sessions*=primary-only(hot)"
	return cfg
}

// TestCacheAside has two gateways over the same PostgreSQL and Redis, and asks them over
// HTTP.
func TestCacheAside(t *testing.T) {
	redis := testenv.Redis(t)
	cfg := overBoth(t, testenv.Postgres(t), redis.URL)
	cfg.RedisPrefix = redis.Prefix
	base := "http://" + start(t, cfg, Options{}).logged("ready")["address"].(string)
	// The file is the first gateway's alone.
	cfg.Backends[2].URL = "bolt://" + filepath.Join(t.TempDir(), "other.db")
	other := "http://" + start(t, cfg, Options{}).logged("ready")["address"].(string)

	key := "/tables/users/keys/ada"
	exchange(t, http.MethodPut, base+key, `{"n":1}`)
	soon(t, "a copy to answer", func() bool {
		resp, body := exchange(t, http.MethodGet, base+key, "", "Cache-Control", "max-age=10")
		if body != `{"n":1}` {
			t.Fatalf("got %s", body)
		}
		return resp.Header.Get("Cache-Status") == "larder; hit; detail=memory" && resp.Header.Get("Age") != ""
	})
	soon(t, "the other gateway to find the copy in Redis or in its memory", func() bool {
		resp, _ := exchange(t, http.MethodGet, other+key, "")
		return strings.HasPrefix(resp.Header.Get("Cache-Status"), "larder; hit; detail=")
	})
	// Whoever brings the version that he has seen reads nothing older, wherever he asks.
	for n := 2; n < 30; n++ {
		put, _ := exchange(t, http.MethodPut, base+key, `{"n":`+strconv.Itoa(n)+`}`)
		resp, body := exchange(t, http.MethodGet, other+key, "", "Larder-Min-Version", put.Header.Get("Larder-Version"))
		if body != `{"n":`+strconv.Itoa(n)+`}` {
			t.Fatalf("version %s reads as %s by %s", put.Header.Get("Larder-Version"), body, resp.Header.Get("Cache-Status"))
		}
		resp, body = exchange(t, http.MethodGet, base+key, "")
		if body != `{"n":`+strconv.Itoa(n)+`}` {
			t.Fatalf("a gateway's own write %d reads as %s by %s", n, body, resp.Header.Get("Cache-Status"))
		}
	}
	var stats api.Stats
	if _, body := get(t, base+"/stats"); json.Unmarshal([]byte(body), &stats) != nil || len(stats.Strategies) != 3 ||
		stats.Strategies[0].Name != "cache-aside(pg,hot)" || stats.Strategies[0].Figures["memory_hits_total"] < 1 || stats.Strategies[0].Figures["hit_ratio"] <= 0 {
		t.Errorf("the figures are %s", body)
	}
	if _, body := get(t, base+"/metrics"); !strings.Contains(body, `larder_strategy_memory_hits_total{strategy="cache-aside(pg,hot)"}`) {
		t.Errorf("the metrics are %s", body)
	}
	if resp, _ := exchange(t, http.MethodGet, base+key, "", "Cache-Control", "no-cache"); resp.Header.Get("Cache-Status") != "larder; fwd=bypass; detail=pg" || resp.Header.Get("Age") != "" {
		t.Errorf("past the copies: %v", resp.Header)
	}
	if resp, body := exchange(t, http.MethodGet, base+"/tables/users/keys/never", "", "Cache-Control", "only-if-cached"); resp.StatusCode != http.StatusGatewayTimeout || !strings.Contains(body, "not_cached") {
		t.Errorf("only a copy that is not there: %d %s", resp.StatusCode, body)
	}
	// What does not exist has copies too.
	soon(t, "a copy of what does not exist", func() bool {
		resp, _ := exchange(t, http.MethodGet, base+"/tables/users/keys/nobody", "")
		if resp.StatusCode != http.StatusNotFound {
			t.Fatalf("got %d", resp.StatusCode)
		}
		return strings.HasPrefix(resp.Header.Get("Cache-Status"), "larder; hit")
	})
	exchange(t, http.MethodPut, other+"/tables/notes/keys/a", `1`)
	if resp, _ := exchange(t, http.MethodGet, base+"/tables/notes/keys/a", ""); resp.StatusCode != http.StatusNotFound || resp.Header.Get("Cache-Status") != "" {
		t.Errorf("a note in another gateway's file: %d %v", resp.StatusCode, resp.Header)
	}
}

// TestSeveralBackendsAreTold asks what a gateway tells of its backends.
func TestSeveralBackendsAreTold(t *testing.T) {
	redis := testenv.Redis(t)
	cfg := overBoth(t, testenv.Postgres(t), redis.URL)
	cfg.RedisPrefix = redis.Prefix
	base := "http://" + start(t, cfg, Options{}).logged("ready")["address"].(string)
	var list api.BackendList
	_, body := get(t, base+"/backends")
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, b := range list.Items {
		told = append(told, b.Name+" "+b.Engine+" "+b.Role+" "+string(b.State))
	}
	if got := strings.Join(told, ", "); got != "pg postgresql primary up, hot redis primary up, local bbolt primary up" {
		t.Errorf("the backends are %s", got)
	}
	var health api.Health
	if _, body := get(t, base+"/health"); json.Unmarshal([]byte(body), &health) != nil || len(health.Backends) != 3 {
		t.Errorf("health is %s", body)
	}
	for table, key := range map[string]string{"users": "a", "notes": "b", "sessions_1": "c"} {
		if resp, body := exchange(t, http.MethodPut, base+"/tables/"+table+"/keys/"+key, `1`); resp.StatusCode != http.StatusCreated {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
	}
	if _, body := get(t, base+"/tables"); !strings.Contains(body, `"notes"`) || !strings.Contains(body, `"sessions_1"`) || !strings.Contains(body, `"users"`) {
		t.Errorf("the tables are %s", body)
	}
	batch := `{"atomic":true,"operations":[{"op":"put","table":"users","key":"x","value":1},{"op":"put","table":"notes","key":"x","value":1}]}`
	if resp, body := exchange(t, http.MethodPost, base+"/batch", batch); resp.StatusCode != http.StatusConflict || !strings.Contains(body, "cross_slot") {
		t.Errorf("an atomic batch over two primaries: %d %s", resp.StatusCode, body)
	}
	if resp, _ := exchange(t, http.MethodGet, base+"/tables/users/keys/x", ""); resp.StatusCode != http.StatusNotFound {
		t.Errorf("a part of it was done: %d", resp.StatusCode)
	}
	var stats api.Stats
	if _, body := get(t, base+"/stats"); json.Unmarshal([]byte(body), &stats) != nil || len(stats.Backends) != 3 || stats.Backends[0].Total == 0 {
		t.Errorf("the figures are %s", body)
	}
	if resp, body := exchange(t, http.MethodPost, base+"/maintenance", `{"action":"compact","backend":"local"}`); resp.StatusCode != http.StatusAccepted {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

// TestTheGatewayGoesOnWithoutItsCache has Redis go while the gateway runs.
func TestTheGatewayGoesOnWithoutItsCache(t *testing.T) {
	server := testenv.StartRedis(t, testenv.RedisOptions{})
	cfg := overBoth(t, testenv.Postgres(t), server.URL)
	cfg.Routes = "*=cache-aside(pg,hot); notes=primary-only(local)"
	base := "http://" + start(t, cfg, Options{}).logged("ready")["address"].(string)
	exchange(t, http.MethodPut, base+"/tables/users/keys/ada", `1`)
	server.Kill(t)
	for n := range 20 {
		key := base + "/tables/users/keys/k" + strconv.Itoa(n)
		if resp, body := exchange(t, http.MethodPut, key, strconv.Itoa(n)); resp.StatusCode != http.StatusCreated {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
		if resp, body := exchange(t, http.MethodGet, key, ""); body != strconv.Itoa(n) {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
	}
	soon(t, "the state of the cache", func() bool {
		_, body := get(t, base+"/health")
		return strings.Contains(body, `"down"`)
	})
	if status, body := get(t, base+"/readyz"); status != http.StatusOK {
		t.Errorf("a gateway without its cache is not ready: %d %s", status, body)
	}
}
