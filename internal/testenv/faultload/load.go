// Package faultload has clients write through a store while a test breaks what is
// under it, and holds what is stored in the end against what they were told:
// nothing acknowledged lost, nothing done twice, nothing there that was said to
// have failed.
//
//	l := faultload.Start(t, s, faultload.Options{})
//	l.AwaitAcknowledged(300)
//	server.Kill(t)
//	l.AwaitRefused(1)
//	server.Start(t)
//	l.AwaitAcknowledged(300)
//	l.Check()
package faultload

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/store/storetest"
)

// Table is where the clients write.
const Table = "t"

// Clients is how many there are.
const Clients = 16

// atMost bounds every wait.
const atMost = 2 * time.Minute

// Options say how clients behave. All may be zero.
type Options struct {
	// Patience is how long a client waits for an answer; 10 s.
	Patience time.Duration
	// Groups are what keys have between braces; "0". Keys of different groups
	// are in no batch together, so they may lie in different slots.
	Groups []string
	// Read reads what is stored; nil: as the store's Get does.
	Read func(ctx context.Context, refs []store.Ref) (store.Read, error)
	// Follow has the change feed be read all the while.
	Follow bool
	// Accepts are codes of answers that the fault gives beside the usual ones;
	// all say that nothing was written.
	Accepts []store.Code
}

// Load is clients at work, each after the answer to its last request.
type Load struct {
	t       testing.TB
	store   store.Store
	options Options
	book    *book
	feed    *follower // nil: nobody reads it
	atMost  time.Duration

	until context.Context
	end   context.CancelFunc
	work  sync.WaitGroup // of the clients

	acknowledged, refused atomic.Int64

	halting sync.Mutex
	goOn    chan struct{} // nil: nobody is to wait
	waiting atomic.Int64
}

// Start starts the clients. The test's end stops them; Stop and Check do so
// before.
func Start(t testing.TB, s store.Store, o Options) *Load {
	t.Helper()
	o.Patience = cmp.Or(o.Patience, 10*time.Second)
	if o.Groups == nil {
		o.Groups = []string{"0"}
	}
	if o.Read == nil {
		o.Read = s.Get
	}
	l := &Load{t: t, store: s, options: o, book: newBook(o.Accepts), atMost: atMost}
	l.until, l.end = context.WithCancel(context.WithoutCancel(t.Context()))
	if o.Follow {
		l.feed = follow(context.WithoutCancel(t.Context()), s)
	}
	seed := storetest.Seed(t)
	for n := range Clients {
		c := &client{Load: l, number: n, random: rand.New(rand.NewPCG(seed, uint64(n)))}
		l.work.Go(c.run)
	}
	t.Cleanup(l.Stop)
	return l
}

// Stop ends the clients when they have their answers, and then whoever follows the
// feed.
func (l *Load) Stop() {
	l.stopClients()
	if l.feed != nil {
		l.feed.stop()
	}
}

func (l *Load) stopClients() {
	l.end()
	l.GoOn()
	l.work.Wait()
}

// AwaitAcknowledged waits until so many more writes have been acknowledged.
func (l *Load) AwaitAcknowledged(more int64) {
	l.t.Helper()
	l.await(&l.acknowledged, "acknowledged", more)
}

// AwaitRefused waits until so many more writes have come to nothing, or to
// nobody knows what.
func (l *Load) AwaitRefused(more int64) {
	l.t.Helper()
	l.await(&l.refused, "refused", more)
}

// Refused is how many writes have come to nothing so far, or to nobody knows what.
func (l *Load) Refused() int64 { return l.refused.Load() }

func (l *Load) await(counter *atomic.Int64, what string, more int64) {
	l.t.Helper()
	from := counter.Load()
	if !l.poll(func() bool { return counter.Load() >= from+more }) {
		l.t.Fatalf("of %d writes to be %s, %d were, and then no more", more, what, counter.Load()-from)
	}
}

// poll waits until something holds, and says whether it came to that.
func (l *Load) poll(holds func() bool) bool {
	pause := time.NewTicker(time.Millisecond)
	defer pause.Stop()
	late := time.NewTimer(l.atMost)
	defer late.Stop()
	for !holds() {
		select {
		case <-pause.C:
		case <-late.C:
			return holds()
		}
	}
	return true
}

// Halt has every client that is refused from now on wait for GoOn.
func (l *Load) Halt() {
	l.halting.Lock()
	defer l.halting.Unlock()
	if l.goOn == nil {
		l.goOn = make(chan struct{})
	}
}

// AwaitHalted waits until every client waits for GoOn.
func (l *Load) AwaitHalted() {
	l.t.Helper()
	if !l.poll(func() bool { return l.waiting.Load() == Clients }) {
		l.t.Fatalf("of %d clients %d were refused", Clients, l.waiting.Load())
	}
}

// GoOn ends Halt.
func (l *Load) GoOn() {
	l.halting.Lock()
	defer l.halting.Unlock()
	if l.goOn != nil {
		close(l.goOn)
		l.goOn = nil
	}
}

func (l *Load) halted() <-chan struct{} {
	l.halting.Lock()
	defer l.halting.Unlock()
	return l.goOn
}

// Check stops the clients and holds the store against what they were told, and
// the feed against the store.
func (l *Load) Check() {
	l.t.Helper()
	for _, fault := range l.verdict() {
		l.t.Error(fault)
	}
}

func (l *Load) verdict() []string {
	l.t.Helper()
	l.stopClients()
	var found []string
	if lost := l.book.settle(l.read); lost > 0 {
		found = append(found, fmt.Sprintf("%d acknowledged writes are lost", lost))
	}
	if l.feed != nil {
		found = append(found, l.lacks()...)
	}
	l.Stop()
	return append(found, l.found()...)
}

// lacks waits until whoever follows the feed has seen all that is stored, and says
// what that lacks in the end.
func (l *Load) lacks() (found []string) {
	l.t.Helper()
	stored := l.read(l.book.keys())
	if l.poll(func() bool { return len(l.feed.missing(stored)) == 0 }) {
		return nil
	}
	missing := l.feed.missing(stored)
	return []string{fmt.Sprintf("the feed lacks %d changes that are stored, such as that of %s", len(missing), missing[0])}
}

// Settle holds the store against what the clients were told, as Check does, while
// all of them wait, and takes what is there for granted from then on. It gives the
// number of acknowledged writes that are lost.
func (l *Load) Settle() (lost int) {
	l.t.Helper()
	if l.waiting.Load() != Clients {
		l.t.Fatal("Settle is for when all clients wait")
	}
	lost = l.book.settle(l.read)
	if l.feed != nil && lost > 0 {
		l.feed.forget(l.read(l.book.keys()))
	}
	for _, fault := range l.found() {
		l.t.Error(fault)
	}
	return lost
}

// found are the faults that were found since they were asked for last.
func (l *Load) found() []string {
	l.t.Helper()
	found := l.book.takeFaults()
	if l.feed != nil {
		found = append(found, l.feed.takeFaults()...)
	}
	l.t.Logf("answers: %v", l.book.answers())
	return found
}

// read gives what is stored under keys.
func (l *Load) read(keys []string) map[string]store.Entry {
	l.t.Helper()
	found := make(map[string]store.Entry, len(keys))
	for chunk := range slices.Chunk(keys, 1000) {
		refs := make([]store.Ref, len(chunk))
		for i, key := range chunk {
			refs[i] = ref(key)
		}
		read, err := l.options.Read(context.WithoutCancel(l.until), refs)
		if err != nil {
			l.t.Fatalf("reading what is stored: %v", err)
		}
		for _, e := range read.Entries {
			found[e.Key] = e
		}
	}
	return found
}

func ref(key string) store.Ref { return store.Ref{Table: Table, Key: key} }

// faults are what was found wrong, the first of them.
type faults []string

func (f *faults) add(format string, args ...any) {
	if len(*f) < 20 {
		*f = append(*f, fmt.Sprintf(format, args...))
	}
}
