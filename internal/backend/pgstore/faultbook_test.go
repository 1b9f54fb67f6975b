package pgstore

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"

	"larder/internal/store"
)

// fate is what a client was told of a write.
type fate uint8

const (
	unsure   fate = iota // no answer yet, or outcome_unknown: it may be there
	acked                // it is there
	declined             // an error that says that nothing was written: it is not
)

// faultBook remembers what clients asked for and were told, and holds in the end
// what is stored against that: nothing acknowledged lost, nothing done twice,
// and nothing there that was said to have failed.
type faultBook struct {
	mu     sync.Mutex
	fresh  map[string]*freshWrite // by key: written once, by one batch
	counts map[string]*countedKey // written again and again
	moves  map[string]*move       // by receipt
	codes  map[store.Code]int     // of the answers
	faults []string
}

// freshWrite is one batch of plain puts to keys of its own.
type freshWrite struct {
	fate
	keys []string
}

// countedKey is an entry whose every write is counted.
type countedKey struct {
	acked, open int
	seen        map[int64]bool // versions acknowledged
}

// move is a batch that moves an amount between accounts and leaves a receipt.
type move struct {
	fate
	from, to string
	amount   int64
}

func newFaultBook() *faultBook {
	return &faultBook{
		fresh: make(map[string]*freshWrite), counts: make(map[string]*countedKey),
		moves: make(map[string]*move), codes: make(map[store.Code]int),
	}
}

func (b *faultBook) fault(format string, args ...any) {
	if len(b.faults) < 20 {
		b.faults = append(b.faults, fmt.Sprintf(format, args...))
	}
}

// fateOf says what an answer tells, and takes note of codes that no client of a
// failing server should get.
func (b *faultBook) fateOf(err error) fate {
	code := store.CodeOf(err)
	b.codes[code]++
	switch code {
	case "":
		return acked
	case store.Ambiguous:
		return unsure
	case store.Unavailable, store.Timeout, store.Busy, store.VersionMismatch:
		return declined
	}
	b.fault("an answer is %v", err)
	return declined
}

// wrote takes in the answer to a batch of fresh keys.
func (b *faultBook) wrote(keys []string, results []store.Result, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := &freshWrite{fate: b.fateOf(err), keys: keys}
	for _, key := range keys {
		b.fresh[key] = w
	}
	for _, r := range results {
		if r.Entry.Version != 1 || !r.Created {
			b.fault("%s is acknowledged at version %d, created: %v", r.Entry.Key, r.Entry.Version, r.Created)
		}
	}
}

// counted takes in the answer to a write of a key that others write too.
func (b *faultBook) counted(key string, results []store.Result, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.counts[key]
	if k == nil {
		k = &countedKey{seen: make(map[int64]bool)}
		b.counts[key] = k
	}
	switch b.fateOf(err) {
	case acked:
		k.acked++
		if v := results[0].Entry.Version; k.seen[v] {
			b.fault("version %d of %s is acknowledged twice", v, key)
		} else {
			k.seen[v] = true
		}
	case unsure:
		k.open++
	case declined:
	}
}

func (b *faultBook) moved(receipt string, m *move, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	m.fate = b.fateOf(err)
	b.moves[receipt] = m
}

// check holds what is stored against the book. read gives the entries of table t
// with these keys.
func (b *faultBook) check(t *testing.T, read func(keys []string) map[string]store.Entry) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.checkFresh(read(slices.Sorted(maps.Keys(b.fresh))))
	b.checkCounts(read(slices.Sorted(maps.Keys(b.counts))))
	b.checkMoves(read(slices.Sorted(maps.Keys(b.moves))), read)
	for _, f := range b.faults {
		t.Error(f)
	}
	t.Logf("answers: %v", b.codes)
}

func (b *faultBook) checkFresh(found map[string]store.Entry) {
	for key, w := range b.fresh {
		e := found[key]
		switch there := e.Exists(); {
		case there != found[w.keys[0]].Exists():
			b.fault("of a batch, %s is there: %v, and %s: %v", key, there, w.keys[0], !there)
		case w.fate == acked && !there:
			b.fault("%s was acknowledged and is lost", key)
		case w.fate == declined && there:
			b.fault("%s was said not to be written and is there", key)
		case there && e.Version != 1:
			b.fault("%s was written %d times", key, e.Version)
		}
	}
}

func (b *faultBook) checkCounts(found map[string]store.Entry) {
	for key, k := range b.counts {
		e := found[key]
		if n := int(e.Version); n < k.acked || n > k.acked+k.open {
			b.fault("%s was written %d times, by %d writes acknowledged and %d of unknown outcome", key, n, k.acked, k.open)
		}
		if text := strconv.FormatInt(e.Version, 10); e.Exists() && string(e.Value.Data) != text {
			b.fault("%s is %s at version %s", key, e.Value.Data, text)
		}
	}
}

func (b *faultBook) checkMoves(receipts map[string]store.Entry, read func([]string) map[string]store.Entry) {
	balances, times := make(map[string]int64), make(map[string]int64)
	for key, m := range b.moves {
		there := receipts[key].Exists()
		switch {
		case m.fate == acked && !there:
			b.fault("the move %s was acknowledged and is lost", key)
		case m.fate == declined && there:
			b.fault("the move %s was said not to be made and is there", key)
		}
		if there {
			balances[m.from] -= m.amount
			balances[m.to] += m.amount
			times[m.from]++
			times[m.to]++
		}
	}
	accounts := read(slices.Sorted(maps.Keys(times)))
	for account, balance := range balances {
		if e := accounts[account]; e.Version != times[account] || string(e.Value.Data) != strconv.FormatInt(balance, 10) {
			b.fault("%s is %s after %d moves, and by its receipts %d after %d", account, e.Value.Data, e.Version, balance, times[account])
		}
	}
}
