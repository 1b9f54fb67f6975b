package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"larder/api"
	"larder/cmd/larder/internal/remote"
	"larder/internal/testenv"
)

// tally is clients that count a key up by way of several gateways.
type tally struct {
	*testing.T
	stop    context.CancelFunc
	clients sync.WaitGroup
	done    atomic.Int64 // acknowledged
	open    atomic.Int64 // perhaps done
}

func (c *tally) through(ctx context.Context, g *gateway) {
	larder, err := api.NewClient(g.url(""))
	if err != nil {
		c.Error(err)
		return
	}
	for ctx.Err() == nil {
		var told api.IncrementResult
		err := remote.Read(larder.IncrementKey(c.Context(), "users", "count", &api.IncrementKeyParams{}, api.IncrementRequest{Delta: []byte("1")}))(&told)
		problem, answered := errors.AsType[*remote.Problem](err)
		switch {
		case err == nil:
			c.done.Add(1)
		case answered && problem.Status == http.StatusServiceUnavailable && problem.RetryAfter > 0:
		case answered && problem.Code != "outcome_unknown":
			c.Errorf("a write failed: %v", err)
			return
		default:
			c.open.Add(1)
			if !answered {
				return // it was killed
			}
		}
	}
}

// end holds what is left to what was acknowledged, and gives how many counts may be there
// without that.
func (c *tally) end(through *gateway) {
	c.Helper()
	c.stop()
	c.clients.Wait()
	request, err := http.NewRequestWithContext(c.Context(), http.MethodGet, through.url("/tables/users/keys/count"), nil)
	if err != nil {
		c.Fatal(err)
	}
	request.Header.Set("Cache-Control", "no-cache")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		c.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.Fatal(err)
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(body)), 10, 64)
	done, open := c.done.Load(), c.open.Load()
	if err != nil || n < done || n > done+open || done == 0 {
		c.Errorf("of %d counts, and %d that are open, are left %s", done, open, body)
	}
	if version := response.Header.Get("Larder-Version"); version != strconv.FormatInt(n+1, 10) {
		c.Errorf("%d counts made version %s", n, version)
	}
}

// moving is two gateways that keys are counted up through, and a move of them from PostgreSQL
// to Redis, which the first one runs.
type moving struct {
	*tally
	runs, other *gateway
	id          string
}

func move(t *testing.T) *moving {
	t.Helper()
	redis := testenv.Redis(t)
	env := []string{
		"LARDER_PRIMARY=", "LARDER_BACKENDS=pg=" + testenv.Postgres(t) + "; hot=" + redis.URL,
		"LARDER_ROUTES=*=primary-only(pg)", "LARDER_REDIS_PREFIX=" + redis.Prefix,
	}
	ctx, stop := context.WithCancel(t.Context())
	m := &moving{runs: start(t, env...), other: start(t, env...), tally: &tally{T: t, stop: stop}}
	var lines strings.Builder
	for n := range 500 {
		fmt.Fprintf(&lines, "{\"table\":\"users\",\"key\":\"k%d\",\"value\":%d}\n", n, n)
	}
	m.runs.must(lines.String(), "import", "-")
	m.runs.must("", "put", "users", "count", "0")
	for _, g := range []*gateway{m.runs, m.other, m.other} {
		m.clients.Go(func() { m.through(ctx, g) })
	}
	larder, err := api.NewClient(m.runs.url(""))
	if err != nil {
		t.Fatal(err)
	}
	var op api.Operation
	if err := remote.Read(larder.CopyTables(t.Context(), api.CopyRequest{From: "pg", To: "hot", Tables: "users", Switch: true}))(&op); err != nil {
		t.Fatal(err)
	}
	m.id = op.ID
	return m
}

// until asks until something is so.
func (m *moving) until(what string, isSo func() bool) {
	m.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for timeout := time.After(2 * patience); !isSo(); {
		select {
		case <-timeout:
			m.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

// reaches waits until the move is at a stage.
func (m *moving) reaches(stage string) {
	m.Helper()
	m.until("the stage "+stage, func() bool {
		for _, line := range m.runs.logged("tables are being moved") {
			if line["stage"] == stage {
				return true
			}
		}
		return false
	})
}

// ends waits until the move has ended.
func (m *moving) ends() (op api.Operation, came copied) {
	m.Helper()
	larder, err := api.NewClient(m.other.url(""))
	if err != nil {
		m.Fatal(err)
	}
	m.until("the move to end", func() bool {
		err := remote.Read(larder.GetOperation(m.Context(), m.id))(&op)
		if _, again := remote.Retry(err); err != nil && !again {
			m.Fatal(err)
		}
		return err == nil && op.State != api.OperationStateRunning
	})
	if len(op.Result) > 0 {
		if err := json.Unmarshal(op.Result, &came); err != nil {
			m.Error(err)
		}
	}
	return op, came
}

// counts waits until more counts are acknowledged, in which nothing may be held any more.
func (m *moving) counts() {
	m.Helper()
	before := m.done.Load()
	m.until("a count", func() bool { return m.done.Load() > before })
}

// TestMoveWhileOneIsStopped has a larder stop for some seconds while tables are moved, and go
// on. The move waits for it, or gives up; either way nothing that was acknowledged is lost.
func TestMoveWhileOneIsStopped(t *testing.T) {
	t.Parallel()
	for _, stage := range []string{"announced", "held", "switched"} {
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			m := move(t)
			if stage != "announced" {
				m.reaches(stage)
			}
			m.other.signal(syscall.SIGSTOP)
			<-time.After(3 * time.Second) // how long it is stopped; nothing hangs on it
			m.other.signal(syscall.SIGCONT)
			op, came := m.ends()
			gaveUp := op.State == api.OperationStateFailed && op.Error != nil && (op.Error.Code == "unavailable" || op.Error.Code == "timeout")
			if moved := op.State == api.OperationStateSucceeded && came.Switched; !moved && !gaveUp {
				t.Errorf("it came to %s %s %+v", op.State, op.Result, op.Error)
			}
			m.counts()
			m.end(m.other)
			m.end(m.runs)
		})
	}
}

// TestMoveWhoseRunnerIsKilled kills the larder that moves tables while writes are held, and
// once the routes are others. Another one brings it to its end, and nothing stays held.
func TestMoveWhoseRunnerIsKilled(t *testing.T) {
	t.Parallel()
	for _, stage := range []string{"held", "switched"} {
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			m := move(t)
			m.reaches(stage)
			m.runs.signal(syscall.SIGKILL)
			if op, came := m.ends(); op.State != api.OperationStateSucceeded || !came.Switched {
				t.Errorf("it came to %s %s %+v", op.State, op.Result, op.Error)
			}
			m.counts()
			if routes := m.other.must("", "routes"); !strings.Contains(routes, "hot") {
				t.Errorf("the routes are %s", routes)
			}
			m.end(m.other)
		})
	}
}
