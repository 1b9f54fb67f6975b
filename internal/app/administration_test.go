package app

import (
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"larder/internal/config"
	"larder/internal/testenv"
)

// load is clients that write and read until it is ended, none of whose requests may fail.
type load struct {
	stop    chan struct{}
	clients sync.WaitGroup
	rounds  atomic.Int64
}

func burden(t *testing.T, bases ...string) *load {
	t.Helper()
	l := &load{stop: make(chan struct{})}
	for n, base := range bases {
		key := base + "/tables/steady/keys/" + string(rune('a'+n))
		l.clients.Go(func() {
			for {
				select {
				case <-l.stop:
					return
				default:
				}
				if resp, body := exchange(t, http.MethodPut, key, "1"); resp.StatusCode >= 300 {
					t.Errorf("a write failed: %d %s", resp.StatusCode, body)
					return
				}
				if resp, body := exchange(t, http.MethodGet, key, ""); resp.StatusCode != http.StatusOK {
					t.Errorf("a read failed: %d %s", resp.StatusCode, body)
					return
				}
				l.rounds.Add(1)
			}
		})
	}
	return l
}

// goesOn waits for some rounds more.
func (l *load) goesOn(t *testing.T) {
	t.Helper()
	before := l.rounds.Load()
	soon(t, "the clients to go on", func() bool { return t.Failed() || l.rounds.Load() > before+20 })
}

func (l *load) end() {
	close(l.stop)
	l.clients.Wait()
}

const plainRoutes = `{"routes":[{"pattern":"*","strategy":"primary-only","members":["pg"]}]}`

// TestBackendsComeAndGo adds a cache to two gateways that are in use, drains, disables and
// removes it, and not one request fails.
func TestBackendsComeAndGo(t *testing.T) {
	redis := testenv.StartRedis(t, testenv.RedisOptions{})
	redis.Do(t, "ACL", "SETUSER", "larder", "on", ">s3cret", "~*", "&*", "+@all")
	address := strings.Replace(redis.URL, "redis://", "redis://larder:s3cret@", 1)
	connections := func() int {
		return strings.Count(redis.Do(t, "CLIENT", "LIST").(string), " user=larder ")
	}
	cfg := settings(t)
	cfg.Primary = config.Default().Primary
	cfg.Backends = config.Backends{{Name: "pg", URL: testenv.Postgres(t)}}
	first, second := start(t, cfg, Options{}), start(t, cfg, Options{})
	base := "http://" + first.logged("ready")["address"].(string)
	other := "http://" + second.logged("ready")["address"].(string)
	clients := burden(t, base, other)
	defer clients.end()

	does := func(method, path, body string, status int, headers ...string) string {
		t.Helper()
		resp, answer := exchange(t, method, base+path, body, headers...)
		if resp.StatusCode != status {
			t.Fatalf("%s %s: %d %s, want %d", method, path, resp.StatusCode, answer, status)
		}
		if strings.Contains(answer, "s3cret") {
			t.Errorf("%s %s shows the password: %s", method, path, answer)
		}
		return answer
	}
	isThere := func(part string) {
		t.Helper()
		soon(t, "the other gateway to have "+part, func() bool {
			_, body := get(t, other+"/backends/hot")
			return strings.Contains(body, part)
		})
		clients.goesOn(t)
	}
	added := `{"url":"` + address + `"}`

	does(http.MethodPut, "/backends/hot?dry_run=true", added, http.StatusOK)
	does(http.MethodGet, "/backends/hot", "", http.StatusNotFound)
	if answer := does(http.MethodPut, "/backends/hot", added, http.StatusCreated); !strings.Contains(answer, `"state":"up","url":"redis://larder:xxxxx@`) {
		t.Errorf("added, it is %s", answer)
	}
	does(http.MethodPut, "/backends/hot", added, http.StatusOK)
	does(http.MethodPut, "/backends/hot", added, http.StatusPreconditionFailed, "If-None-Match", "*")
	isThere(`"role":"unused"`)
	does(http.MethodPut, "/routes", `{"routes":[{"pattern":"*","strategy":"cache-aside","members":["pg","hot"]}]}`, http.StatusOK)
	isThere(`"role":"cache"`)
	soon(t, "a hit in the cache", func() bool {
		resp, _ := exchange(t, http.MethodGet, base+"/tables/steady/keys/a", "")
		return strings.Contains(resp.Header.Get("Cache-Status"), "hit")
	})
	if answer := does(http.MethodDelete, "/backends/hot", "", http.StatusConflict); !strings.Contains(answer, "backend_in_use") || !strings.Contains(answer, "*=cache-aside(pg,hot)") {
		t.Errorf("in use, its removal gave %s", answer)
	}
	elsewhere := `{"url":"` + testenv.Redis(t).URL + `"}`
	if answer := does(http.MethodPut, "/backends/hot", elsewhere, http.StatusConflict); !strings.Contains(answer, "backend_in_use") || !strings.Contains(answer, "PUT /routes without it first") {
		t.Errorf("in use, another URL gave %s", answer)
	}
	does(http.MethodPatch, "/backends/hot", `{"state":"draining"}`, http.StatusOK, "If-Match", `"1"`)
	isThere(`"state":"draining"`)
	does(http.MethodPatch, "/backends/hot", `{"state":"disabled"}`, http.StatusPreconditionFailed, "If-Match", `"1"`)
	does(http.MethodPatch, "/backends/hot", `{"state":"disabled"}`, http.StatusOK)
	isThere(`"state":"disabled"`)
	does(http.MethodPatch, "/backends/hot", `{"state":"active"}`, http.StatusOK)
	isThere(`"state":"up"`)

	// It is there after a start as well, and not the same when it was asked to be drained.
	does(http.MethodPatch, "/backends/hot", `{"state":"draining"}`, http.StatusOK)
	third := start(t, cfg, Options{})
	if _, body := get(t, "http://"+third.logged("ready")["address"].(string)+"/backends/hot"); !strings.Contains(body, `"role":"cache","state":"draining"`) {
		t.Errorf("after a start it is %s", body)
	}
	third.stop()
	if err := third.ended(); err != nil {
		t.Error(err)
	}

	does(http.MethodPut, "/routes", plainRoutes, http.StatusOK)
	if answer := does(http.MethodPut, "/routes", `{"routes":[{"pattern":"*","strategy":"cache-aside","members":["pg","hot"]}]}`, http.StatusBadRequest); !strings.Contains(answer, "it is draining") {
		t.Errorf("named anew it gave %s", answer)
	}
	if connections() == 0 {
		t.Error("nobody is connected to it")
	}
	does(http.MethodDelete, "/backends/hot", "", http.StatusNoContent, "If-Match", `"5"`)
	does(http.MethodDelete, "/backends/hot", "", http.StatusNotFound)
	soon(t, "all connections to be closed", func() bool { return connections() == 0 })
	clients.goesOn(t)
	if status, body := get(t, other+"/backends/hot"); status != http.StatusNotFound {
		t.Errorf("at the other gateway it is %d %s", status, body)
	}
	for _, at := range []string{base, other} {
		if _, metrics := get(t, at+"/metrics"); strings.Contains(metrics, `="hot"`) || strings.Contains(metrics, "cache-aside") || !strings.Contains(metrics, `strategy="primary-only(pg)"`) {
			t.Errorf("of what is removed %s/metrics tells still, or of what is used no more", at)
		}
	}
	if status, _ := get(t, base+"/tables/_backends/keys/hot"); status != http.StatusBadRequest {
		t.Errorf("what is kept can be read: %d", status)
	}
}

func TestBackendsThatCanNotBe(t *testing.T) {
	t.Parallel()
	cfg := settings(t)
	base := "http://" + start(t, cfg, Options{}).logged("ready")["address"].(string)
	for _, test := range []struct {
		method, name, body string
		status             int
		parts              []string
	}{
		{http.MethodPut, "Hot", `{"url":"redis://127.0.0.1:1"}`, http.StatusBadRequest, []string{"invalid_backend", `"parameter":"name"`}},
		{http.MethodPut, "memory", `{"url":"redis://127.0.0.1:1"}`, http.StatusBadRequest, []string{"invalid_backend", `"parameter":"name"`, "Server-Timing"}},
		{http.MethodPut, "hot", `{"url":"somewhere"}`, http.StatusBadRequest, []string{"invalid_backend", `"pointer":"/url"`, "not a URL"}},
		{http.MethodPut, "hot", `{"url":"mongo://x/y"}`, http.StatusBadRequest, []string{"invalid_backend", `"pointer":"/url"`, "redis://"}},
		{http.MethodPut, "hot", `{"url":"bolt://` + filepath.Join(t.TempDir(), "x.db") + `"}`, http.StatusBadRequest, []string{"invalid_backend", "LARDER_BACKENDS"}},
		{http.MethodPut, "hot", `{"url":"redis://x:s3cret@127.0.0.1:1"}`, http.StatusServiceUnavailable, []string{`"pointer":"/url"`, "can't be opened"}},
		{http.MethodPut, "hot", `{"uri":"redis://127.0.0.1:1"}`, http.StatusBadRequest, []string{"invalid_body"}},
		{http.MethodPut, "primary", `{"url":"redis://127.0.0.1:1"}`, http.StatusConflict, []string{"backend_fixed", "LARDER_BACKENDS"}},
		{http.MethodPatch, "primary", `{"state":"disabled"}`, http.StatusConflict, []string{"backend_in_use", "*=primary-only(primary)"}},
		{http.MethodPatch, "primary", `{"state":"draining"}`, http.StatusConflict, []string{"backend_in_use"}},
		{http.MethodPatch, "primary", `{"state":"gone"}`, http.StatusBadRequest, []string{`"pointer":"/state"`, "draining"}},
		{http.MethodPatch, "hot", `{"state":"active"}`, http.StatusNotFound, []string{"not_found"}},
		{http.MethodDelete, "primary", "", http.StatusConflict, []string{"backend_fixed"}},
		{http.MethodDelete, "hot", "", http.StatusNotFound, []string{"not_found"}},
	} {
		resp, body := exchange(t, test.method, base+"/backends/"+test.name, test.body)
		if resp.StatusCode != test.status || strings.Contains(body, "s3cret") {
			t.Errorf("%s %s %s: %d %s", test.method, test.name, test.body, resp.StatusCode, body)
		}
		for _, part := range test.parts {
			if !strings.Contains(body, part) {
				t.Errorf("%s %s %s: %s, without %s", test.method, test.name, test.body, body, part)
			}
		}
	}
	if _, body := get(t, base+"/backends"); strings.Contains(body, `"hot"`) {
		t.Errorf("what can't be is there: %s", body)
	}
}
