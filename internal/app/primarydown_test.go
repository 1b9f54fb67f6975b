package app

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"larder/internal/testenv"
)

// TestThePrimaryGoesAndComesBack kills PostgreSQL while clients read and write by
// cache-aside. Who takes an old copy goes on reading, all else is refused as not done, and
// once the server is back everything goes on by itself.
func TestThePrimaryGoesAndComesBack(t *testing.T) {
	server := testenv.StartPostgres(t, testenv.PostgresOptions{})
	redis := testenv.Redis(t)
	cfg := overBoth(t, server.URL("postgres"), redis.URL)
	cfg.RedisPrefix, cfg.Routes = redis.Prefix, "*=cache-aside(pg,hot)"
	gateway := start(t, cfg, Options{})
	base := "http://" + gateway.logged("ready")["address"].(string)
	const keys = 8
	path := func(n int) string { return base + "/tables/users/keys/k" + strconv.Itoa(n%keys) }
	for n := range keys {
		exchange(t, http.MethodPut, path(n), "0")
	}

	// All that is acknowledged of each key, so that it can be held to it afterwards.
	var acknowledged [keys]atomic.Int64
	var reads, old, refused atomic.Int64
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for n := range keys {
		clients.Go(func() {
			for i := int64(1); ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				resp, body := exchange(t, http.MethodGet, path(n), "", "Cache-Control", "stale-if-error=60")
				if resp.StatusCode != http.StatusOK {
					t.Errorf("a read that takes an old copy was refused: %d %s", resp.StatusCode, body)
					return
				}
				reads.Add(1)
				if age, _ := strconv.Atoi(resp.Header.Get("Age")); age > 1 {
					old.Add(1)
				}
				switch resp, body := exchange(t, http.MethodPut, path(n), strconv.FormatInt(i, 10)); {
				case resp.StatusCode < 300:
					acknowledged[n].Store(i)
				case resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "":
					refused.Add(1)
				case resp.StatusCode == http.StatusGatewayTimeout && strings.Contains(body, "outcome_unknown"):
				default:
					t.Errorf("a write: %d %s %v", resp.StatusCode, body, resp.Header)
					return
				}
			}
		})
	}
	soon(t, "traffic", func() bool { return reads.Load() > 200 })
	server.Kill(t)
	killed := time.Now()
	soon(t, "it to be noticed", func() bool {
		_, body := get(t, base+"/health")
		return strings.Contains(body, `"down"`)
	})
	if took := time.Since(killed); took > 2*time.Second {
		t.Errorf("it was noticed after %v", took)
	}
	if status, _ := get(t, base+"/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("without its primary a gateway is ready: %d", status)
	}
	before := reads.Load()
	soon(t, "reads of old copies, and refusals", func() bool { return old.Load() > 20 && refused.Load() > 20 && reads.Load() > before+50 })

	server.Start(t)
	back := time.Now()
	soon(t, "everything to be up again", func() bool {
		status, _ := get(t, base+"/readyz")
		resp, _ := exchange(t, http.MethodPut, base+"/tables/users/keys/after", "1")
		read, _ := exchange(t, http.MethodGet, base+"/tables/users/keys/after", "")
		return status == http.StatusOK && resp.StatusCode < 300 && strings.Contains(read.Header.Get("Cache-Status"), "hit")
	})
	if took := time.Since(back); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	close(stop)
	clients.Wait()
	for to := ""; to != "up"; {
		change := gateway.logged("a backend's state has changed")
		if to = change["to"].(string); to == "up" && change["from"] == "up" || change["backend"] != "pg" {
			t.Errorf("the log tells %v", change)
		}
	}
	for n := range keys {
		_, body := exchange(t, http.MethodGet, path(n), "", "Cache-Control", "no-cache")
		if got, err := strconv.ParseInt(body, 10, 64); err != nil || got < acknowledged[n].Load() {
			t.Errorf("%d of k%d was acknowledged, and %s is there", acknowledged[n].Load(), n, body)
		}
	}
}
