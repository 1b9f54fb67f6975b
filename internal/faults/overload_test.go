package faults_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/testenv"
)

// The load of the overload test. PostgreSQL is what bounds it, by how long it takes for a
// commit, so that the figures are the same on a machine that has more to do.
const (
	commitTime  = 40 * time.Millisecond
	connections = 2
	overload    = 5   // times the peak
	slowClients = 50  // that take a second for a request
	leastShare  = 0.8 // of the peak is to be done under overload
	mostHeap    = 128 << 20
)

// TestOverload has a slow PostgreSQL, and five times as many writes come as it can do,
// beside clients that send their requests in small pieces. What is too much is refused, nearly
// as many are done as at the peak, and the heap does not grow with what waits.
func TestOverload(t *testing.T) { // alone: it measures
	c := start(t, testenv.Build(t), options{instances: 1, routes: "*=primary-only(pg)", env: []string{
		"LARDER_POSTGRES_GATHER=false", fmt.Sprintf("LARDER_POSTGRES_MAX_CONNECTIONS=%d", connections),
	}})
	i := c.instances[0]
	i.toDatabase.OnCommit(func(testenv.Commit) testenv.Cut {
		<-time.After(commitTime)
		return testenv.NoCut
	})
	lasts := lasting(3 * time.Second)

	peak := c.busy(t, lasts)
	stop := i.trickle(t)
	o := c.flood(t, overload*peak, lasts)
	stop()
	t.Logf("at the peak %.0f/s; of %.0f/s that came %.0f/s were done and %.0f/s refused, of others %d; at most %d MiB of heap",
		peak, o.came, o.done, o.refused, o.others, o.heap>>20)
	if o.done < leastShare*peak {
		t.Errorf("%.0f/s are done under overload, which is %.2f of the peak", o.done, o.done/peak)
	}
	if o.refused == 0 || o.came < 0.8*overload*peak {
		t.Errorf("that was no overload")
	}
	if o.others > 0 {
		t.Errorf("%d answers are neither done nor refused", o.others)
	}
	if o.heap > mostHeap {
		t.Errorf("the heap grew to %d MiB", o.heap>>20)
	}
	c.settle(t, "t")
}

// busy gives how many writes a second are done for a few clients, each of which waits for
// its answer.
func (c *cluster) busy(t *testing.T, lasts time.Duration) float64 {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), lasts)
	defer stop()
	var done atomic.Int64
	var working sync.WaitGroup
	for n := range 2 * connections {
		working.Go(func() {
			for count := 0; ctx.Err() == nil; count++ {
				if c.instances[0].ask(t.Context(), request{method: http.MethodPut, table: "t", key: fmt.Sprintf("%d-%d", n, count), body: "1"}).done() {
					done.Add(1)
				}
			}
		})
	}
	working.Wait()
	return float64(done.Load()) / lasts.Seconds()
}

// outcome is what became of an overload, each second.
type outcome struct {
	came, done, refused float64
	others              int64
	heap                int64 // at most
}

// flood sends so many writes a second, whether or not those before are answered.
func (c *cluster) flood(t *testing.T, rate float64, lasts time.Duration) outcome {
	t.Helper()
	i := c.instances[0]
	var done, refused, others atomic.Int64
	var o outcome
	var working sync.WaitGroup
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	began, sent := time.Now(), 0
	for n := 0; time.Since(began) < lasts; n++ {
		<-tick.C
		for due := int(time.Since(began).Seconds() * rate); sent < due; sent++ {
			key := fmt.Sprintf("flood-%d", sent)
			working.Go(func() {
				switch a := i.ask(t.Context(), request{method: http.MethodPut, table: "t", key: key, body: "1"}); a.code {
				case "":
					done.Add(1)
				case store.Unavailable, store.Busy:
					refused.Add(1)
				default:
					others.Add(1)
				}
			})
		}
		if n%10 == 0 {
			o.heap = max(o.heap, i.heap(t))
		}
	}
	o.came = float64(sent) / time.Since(began).Seconds()
	working.Wait()
	seconds := time.Since(began).Seconds()
	o.done, o.refused, o.others = float64(done.Load())/seconds, float64(refused.Load())/seconds, others.Load()
	return o
}

// heap is how much of its heap the process uses, in bytes.
func (i *instance) heap(t *testing.T) int64 {
	t.Helper()
	address, _ := i.at()
	resp, err := i.cluster.http.Get(address + "/metrics")
	if err != nil {
		t.Errorf("no metrics under load: %v", err)
		return 0
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if text, found := strings.CutPrefix(lines.Text(), "go_memstats_heap_inuse_bytes "); found {
			bytes, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Errorf("the heap is %q", text)
			}
			return int64(bytes)
		}
	}
	t.Error("the metrics do not tell the heap")
	return 0
}

// trickle has many clients send requests for a read in small pieces, until stop.
func (i *instance) trickle(t *testing.T) (stop func()) {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	address := i.process.Address
	var working sync.WaitGroup
	for range slowClients {
		working.Go(func() {
			for ctx.Err() == nil {
				if err := trickleOne(ctx, address); err != nil && ctx.Err() == nil {
					t.Errorf("a slow client fails: %v", err)
					return
				}
			}
		})
	}
	return func() {
		end()
		working.Wait()
	}
}

// trickleOne takes a second to send a request, and waits for the answer.
func trickleOne(ctx context.Context, address string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	const text = "GET /tables/t/keys/none HTTP/1.1\r\nHost: larder\r\nConnection: close\r\n\r\n"
	for piece := range slices.Chunk([]byte(text), len(text)/10) {
		if _, err := conn.Write(piece); err != nil {
			return err
		}
		pause(ctx, time.Second/10)
	}
	_, err = io.Copy(io.Discard, conn)
	return err
}
