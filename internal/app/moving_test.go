package app

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"larder/api"
	"larder/internal/testenv"
)

// counting are clients that count up keys of a table by way of several gateways, by
// increments and by compare and swap.
type counting struct {
	*testing.T
	table    string
	gateways []string

	stop    context.CancelFunc
	clients sync.WaitGroup
	counts  [4]atomic.Int64 // that were acknowledged, by key
	refused atomic.Int64    // that were not done
}

func count(t *testing.T, table string, gateways ...string) *counting {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	c := &counting{T: t, table: table, gateways: gateways, stop: stop}
	for n := range c.counts {
		exchange(t, http.MethodPut, c.key(gateways[0], n), "0")
		for k := range 2 {
			c.clients.Go(func() {
				for i := n + k; ctx.Err() == nil; i++ {
					c.one(gateways[i%len(gateways)], n)
				}
			})
		}
	}
	return c
}

func (c *counting) key(at string, n int) string {
	return at + "/tables/" + c.table + "/keys/k" + strconv.Itoa(n)
}

// one counts a key up, and looks at whether it is at the count that was acknowledged.
func (c *counting) one(at string, n int) {
	c.Helper()
	before := c.counts[n].Load()
	resp, body := exchange(c.T, http.MethodGet, c.key(at, n), "", "Cache-Control", "no-cache")
	was, err := strconv.ParseInt(body, 10, 64)
	if err != nil || resp.StatusCode != http.StatusOK || was < before {
		c.Errorf("after %d acknowledged counts a read is %d %s", before, resp.StatusCode, body)
	}
	if n%2 == 0 {
		resp, body = exchange(c.T, http.MethodPost, c.key(at, n)+"/increment", `{"delta":1}`)
	} else {
		resp, body = exchange(c.T, http.MethodPut, c.key(at, n), strconv.FormatInt(was+1, 10), "If-Match", resp.Header.Get("ETag"))
	}
	switch {
	case resp.StatusCode < 300:
		c.counts[n].Add(1)
	case n%2 == 1 && resp.StatusCode == http.StatusPreconditionFailed:
	case resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "":
		c.refused.Add(1)
	default:
		c.Errorf("a write failed: %d %s", resp.StatusCode, body)
	}
}

// end stops the clients, and holds every gateway to what was acknowledged.
func (c *counting) end() {
	c.Helper()
	c.stop()
	c.clients.Wait()
	for n := range c.counts {
		for _, at := range c.gateways {
			want := c.counts[n].Load()
			resp, body := exchange(c.T, http.MethodGet, c.key(at, n), "", "Cache-Control", "no-cache")
			if body != strconv.FormatInt(want, 10) || resp.Header.Get("Larder-Version") != strconv.FormatInt(want+1, 10) || want == 0 {
				c.Errorf("of %d counts of k%d are left %s, at version %s", want, n, body, resp.Header.Get("Larder-Version"))
			}
		}
	}
}

// TestMove moves a table from PostgreSQL to Redis and back while two gateways count in it.
func TestMove(t *testing.T) {
	redis := testenv.Redis(t)
	cfg := overBoth(t, testenv.Postgres(t), redis.URL)
	cfg.RedisPrefix = redis.Prefix
	cfg.Backends = cfg.Backends[:2]
	cfg.Routes = "*=cache-aside(pg,hot)"
	here := "http://" + start(t, cfg, Options{}).logged("ready")["address"].(string)
	there := "http://" + start(t, cfg, Options{}).logged("ready")["address"].(string)
	for n := range 200 {
		exchange(t, http.MethodPut, here+"/tables/users/keys/other"+strconv.Itoa(n), "1")
	}
	c := count(t, "users", here, there)
	for _, move := range []struct{ body, route string }{
		{`{"from":"pg","to":"hot","tables":"users","switch":true}`, `{"members":["hot"],"pattern":"users","strategy":"primary-only"}`},
		{`{"from":"hot","to":"pg","tables":"users","switch":true,"conflict":"newer"}`, `{"members":["pg"],"pattern":"users","strategy":"primary-only"}`},
	} {
		op := ended(t, here, "/copies", move.body)
		var came copyResult
		if err := json.Unmarshal(op.Result, &came); err != nil || op.State != api.OperationStateSucceeded || !came.Switched || came.Compared < 204 {
			t.Fatalf("it came to %s %s %+v, %v", op.State, op.Result, op.Error, err)
		}
		for _, at := range []string{here, there} {
			if _, got := exchange(t, http.MethodGet, at+"/routes", ""); !strings.Contains(got, move.route) {
				t.Errorf("the routes are %s", got)
			}
		}
	}
	c.end()
	if n := c.refused.Load(); n > 0 {
		t.Errorf("%d writes were refused", n)
	}
}

// TestMoveIsCanceled has a move end before it is done. Then nothing is held for it, and the
// table is where it was.
func TestMoveIsCanceled(t *testing.T) {
	redis := testenv.Redis(t)
	cfg := overBoth(t, testenv.Postgres(t), redis.URL)
	cfg.RedisPrefix = redis.Prefix
	cfg.Backends = cfg.Backends[:2]
	cfg.Routes = "*=primary-only(pg)"
	base := "http://" + start(t, cfg, Options{}).logged("ready")["address"].(string)
	for n := range 3 {
		operations := make([]string, 1000)
		for i := range operations {
			operations[i] = `{"op":"put","table":"users","key":"k` + strconv.Itoa(1000*n+i) + `","value":1}`
		}
		if resp, body := exchange(t, http.MethodPost, base+"/batch", `{"operations":[`+strings.Join(operations, ",")+`]}`); resp.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
	}
	resp, body := exchange(t, http.MethodPost, base+"/copies", `{"from":"pg","to":"hot","tables":"users","switch":true}`)
	if resp.StatusCode != http.StatusAccepted {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	at := base + resp.Header.Get("Location")
	exchange(t, http.MethodPost, at+"/cancel", "")
	var op api.Operation
	soon(t, "it to end", func() bool {
		_, body := exchange(t, http.MethodGet, at, "")
		if err := json.Unmarshal([]byte(body), &op); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		return op.State != api.OperationStateRunning
	})
	if op.State != api.OperationStateCanceled {
		t.Errorf("it is %s", op.State)
	}
	if resp, body := exchange(t, http.MethodPut, base+"/tables/users/keys/k1", "2"); resp.StatusCode != http.StatusOK {
		t.Errorf("a write: %d %s", resp.StatusCode, body)
	}
	soon(t, "other routes to be let in", func() bool {
		resp, _ := exchange(t, http.MethodPut, base+"/routes", `{"routes":[{"pattern":"*","strategy":"cache-aside","members":["pg","hot"]}]}`)
		return resp.StatusCode == http.StatusOK
	})
	if _, body := exchange(t, http.MethodGet, base+"/tables/users/keys/k1", "", "Cache-Control", "no-cache"); body != "2" {
		t.Errorf("the table has %s", body)
	}
}
