package faults_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/testenv"
)

// TestLinearizableUnderFaults has clients read, write, compare and swap, and delete a few keys by way
// of any instance, past all copies, while processes are killed, links cut and the servers
// started again. There has to be an order of all of it that explains every answer.
func TestLinearizableUnderFaults(t *testing.T) {
	t.Parallel()
	all := seeds(t)
	binary := testenv.Build(t)
	onPostgres := []kind{processKilled, databaseLinkBroken, commitsCut, databaseKilled, processPaused}
	for _, tt := range []struct {
		routes string
		faults []kind
	}{
		{"*=primary-only(pg)", onPostgres},
		{"*=primary-only(hot)", []kind{processKilled, cacheLinkBroken, commandsLost, cacheKilled, processPaused, cachePaused}},
		{"*=cache-aside(pg,hot)", append([]kind{cacheLinkBroken, cacheFlushed, cacheKilled, cachePaused}, onPostgres...)},
		{"*=multi-write(pg,hot)", append([]kind{cacheLinkBroken, cacheKilled, cachePaused}, onPostgres...)},
		{"*=fastest-read(pg,hot)", append([]kind{cacheLinkBroken, cacheKilled, cachePaused}, onPostgres...)},
	} {
		t.Run(tt.routes, func(t *testing.T) {
			t.Parallel()
			c := start(t, binary, options{instances: 2, routes: tt.routes, durable: true})
			for _, seed := range all {
				t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
					linearizable(t, c, seed, tt.faults)
				})
			}
		})
	}
}

func linearizable(t *testing.T, c *cluster, seed uint64, kinds []kind) {
	t.Helper()
	lasts := lasting(1500 * time.Millisecond)
	s := c.draw(seed, lasts, nil, int(lasts/(300*time.Millisecond)), kinds...)
	t.Log(s)
	w := &registers{cluster: c, table: fmt.Sprintf("t%d", seed), history: new(storetest.RegisterHistory)}
	ctx, stop := context.WithCancel(t.Context())
	var working sync.WaitGroup
	for n := range 8 {
		client := &registerClient{registers: w, number: n, random: rand.New(rand.NewPCG(seed, uint64(n)+1)), known: make(map[string]int64)}
		working.Go(func() { client.run(ctx) })
	}
	s.play(t)
	stop()
	working.Wait()
	c.settle(t, w.table)
	for n, key := range registerKeys {
		(&registerClient{registers: w, number: 8 + n}).record(t.Context(), storetest.RegisterCall{Kind: store.Get, Key: key})
	}
	t.Logf("%d operations, of which %d were acknowledged and %d are open", w.history.Len(), w.acknowledged.Load(), w.open.Load())
	if w.acknowledged.Load() == 0 {
		t.Error("no operation was acknowledged")
	}
	w.history.Check(t)
}

var registerKeys = [...]string{"a", "b", "c", "d", "e"} //nolint:gochecknoglobals // a constant

// registers is what clients do to some keys, and were told.
type registers struct {
	cluster            *cluster
	table              string
	history            *storetest.RegisterHistory
	acknowledged, open atomic.Int64
}

// registerClient is one client with what it remembers of versions.
type registerClient struct {
	*registers
	number int
	writes int
	random *rand.Rand
	known  map[string]int64
}

func (c *registerClient) run(ctx context.Context) {
	for ctx.Err() == nil {
		in := storetest.RegisterCall{Kind: store.Put, Key: registerKeys[c.random.IntN(len(registerKeys))]}
		switch n := c.random.IntN(10); {
		case n < 4:
			in.Kind = store.Get
		case n < 6:
		case n < 9:
			in.IfVersion = c.known[in.Key]
		default:
			in.Kind = store.Delete
			if c.random.IntN(2) == 0 {
				in.IfVersion = c.known[in.Key]
			}
		}
		if in.Kind == store.Put {
			c.writes++
			in.Value = fmt.Sprintf(`"%d-%d"`, c.number, c.writes)
		}
		out := c.record(ctx, in)
		if out.Version > 0 {
			c.known[in.Key] = out.Version
		}
		if out.Code.Fault() == store.ServersFault {
			pause(ctx, 5*time.Millisecond)
		}
	}
}

// pause lets some time pass, or less where nobody waits any more.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// record does an operation by way of one of the instances, and writes it down.
func (c *registerClient) record(ctx context.Context, in storetest.RegisterCall) storetest.RegisterAnswer {
	i := c.cluster.instances[0]
	if c.random != nil {
		i = c.cluster.anyone(c.random)
	}
	r := request{table: c.table, key: in.Key, header: map[string]string{}}
	switch in.Kind {
	case store.Put:
		r.method, r.body = http.MethodPut, in.Value
	case store.Delete:
		r.method = http.MethodDelete
	default:
		r.header["Cache-Control"] = "no-cache"
	}
	if in.IfVersion > 0 {
		r.header["If-Match"] = fmt.Sprintf(`"%d"`, in.IfVersion)
	}
	call := c.history.Now()
	a := i.ask(context.WithoutCancel(ctx), r)
	out := storetest.RegisterAnswer{Code: a.code, Open: a.open}
	if a.done() && a.exists {
		out.Exists, out.Version = true, a.version
		if in.Kind == store.Get {
			out.Value = a.body
		}
	}
	c.history.Add(c.number, call, in, out)
	switch {
	case out.Open:
		c.open.Add(1)
	case out.Code == "":
		c.acknowledged.Add(1)
	}
	return out
}
