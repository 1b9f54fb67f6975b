package pgstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/store/storetest"
)

const (
	faultClients  = 16
	faultCounters = 4
	faultAccounts = 6
)

// faultLoad is clients that write through a store while a test breaks things,
// each after the answer to its last request.
type faultLoad struct {
	f               *fixture
	book            *faultBook
	until           context.Context
	end             context.CancelFunc
	work            sync.WaitGroup
	acked, declined atomic.Int64
	// patience is how long a client waits for an answer.
	patience time.Duration
}

// startLoad starts the clients. The test's end stops them; stop does so before.
func startLoad(f *fixture, patience time.Duration) *faultLoad {
	f.t.Helper()
	l := &faultLoad{f: f, book: newFaultBook(), patience: patience}
	l.until, l.end = context.WithCancel(context.WithoutCancel(f.t.Context()))
	seed := storetest.Seed(f.t)
	for n := range faultClients {
		c := &faultClient{faultLoad: l, number: n, random: rand.New(rand.NewPCG(seed, uint64(n)))}
		l.work.Go(c.run)
	}
	f.t.Cleanup(l.stop)
	return l
}

// stop ends the clients when they have their answers.
func (l *faultLoad) stop() {
	l.end()
	l.work.Wait()
}

// progress waits until so many more writes have been acknowledged.
func (l *faultLoad) progress(more int64) {
	l.f.t.Helper()
	l.more(&l.acked, "acknowledged", more)
}

// refused waits until so many more writes have been refused.
func (l *faultLoad) refused(more int64) {
	l.f.t.Helper()
	l.more(&l.declined, "refused", more)
}

func (l *faultLoad) more(counter *atomic.Int64, what string, more int64) {
	l.f.t.Helper()
	from := counter.Load()
	pause := time.NewTicker(time.Millisecond)
	defer pause.Stop()
	late := time.NewTimer(2 * time.Minute)
	defer late.Stop()
	for counter.Load() < from+more {
		select {
		case <-pause.C:
		case <-late.C:
			l.f.t.Fatalf("of %d writes to be %s, %d were, and then no more", more, what, counter.Load()-from)
		}
	}
}

// check stops the clients and holds the store against what they were told.
func (l *faultLoad) check(t *testing.T) {
	t.Helper()
	l.stop()
	l.book.check(t, func(keys []string) map[string]store.Entry { return l.f.entries(t, keys) })
}

// entries reads entries of table t.
func (f *fixture) entries(t *testing.T, keys []string) map[string]store.Entry {
	t.Helper()
	found := make(map[string]store.Entry, len(keys))
	for chunk := range slices.Chunk(keys, 1000) {
		refs := make([]store.Ref, len(chunk))
		for i, key := range chunk {
			refs[i] = ref(key)
		}
		_, read, err := f.readRows(t.Context(), refs)
		if err != nil {
			t.Fatalf("reading what is stored: %v", err)
		}
		for _, e := range read.Entries {
			found[e.Key] = e
		}
	}
	return found
}

type faultClient struct {
	*faultLoad
	number, count int
	random        *rand.Rand
}

func (c *faultClient) run() {
	for c.until.Err() == nil {
		c.count++
		err := c.step()
		if err == nil {
			c.acked.Add(1)
			continue
		}
		c.declined.Add(1)
		if store.CodeOf(err).Retryable() { // as whoever heeds Retry-After
			select {
			case <-time.After(time.Duration(1+c.random.IntN(20)) * time.Millisecond):
			case <-c.until.Done():
			}
		}
	}
}

func (c *faultClient) step() error {
	switch n := c.random.IntN(10); {
	case n < 4:
		return c.fresh(1)
	case n < 5:
		return c.fresh(3)
	case n < 8:
		return c.add()
	default:
		return c.move()
	}
}

func (c *faultClient) key(kind string) string {
	return fmt.Sprintf("%s/%d/%d", kind, c.number, c.count)
}

func (c *faultClient) apply(ops ...store.Op) ([]store.Result, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.until), c.patience)
	defer cancel()
	return c.f.Apply(ctx, store.Batch{Ops: ops})
}

// fresh puts new keys, all in one batch.
func (c *faultClient) fresh(n int) error {
	keys, ops := make([]string, n), make([]store.Op, n)
	for i := range n {
		keys[i] = c.key("fresh") + "/" + strconv.Itoa(i)
		ops[i] = put(keys[i], strconv.Quote(keys[i]))
	}
	results, err := c.apply(ops...)
	c.book.wrote(keys, results, err)
	return err
}

// add counts by one on a key that all share.
func (c *faultClient) add() error {
	key := "counter/" + strconv.Itoa(c.random.IntN(faultCounters))
	results, err := c.apply(plusOne(key))
	c.book.counted(key, results, err)
	return err
}

// move moves an amount from one account to another, and leaves a receipt.
func (c *faultClient) move() error {
	from := c.random.IntN(faultAccounts)
	to := (from + 1 + c.random.IntN(faultAccounts-1)) % faultAccounts
	m := &move{from: "account/" + strconv.Itoa(from), to: "account/" + strconv.Itoa(to), amount: 1 + c.random.Int64N(100)}
	receipt := put(c.key("receipt"), `{}`)
	receipt.If.Absent = true
	take, give := plusOne(m.from), plusOne(m.to)
	take.Increment.Delta = []byte(strconv.FormatInt(-m.amount, 10))
	give.Increment.Delta = []byte(strconv.FormatInt(m.amount, 10))
	_, err := c.apply(take, give, receipt)
	c.book.moved(receipt.Ref.Key, m, err)
	return err
}
