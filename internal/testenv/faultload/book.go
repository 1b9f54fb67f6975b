package faultload

import (
	"maps"
	"slices"
	"strconv"
	"sync"

	"larder/internal/store"
)

// fate is what a client was told of a write.
type fate uint8

const (
	unsure   fate = iota // no answer yet, or outcome_unknown: it may be there
	acked                // it is there
	declined             // an error that says that nothing was written: it is not
)

// book remembers what clients asked for and were told.
type book struct {
	accepts []store.Code

	mu        sync.Mutex
	fresh     map[string]*freshWrite // by key: written once, by one batch
	counts    map[string]*countedKey // written again and again
	moves     map[string]*move       // by receipt
	registers map[string]*register   // put, swapped and deleted by all
	codes     map[store.Code]int     // of the answers
	faults    faults
}

// freshWrite is one batch of plain puts to keys of its own.
type freshWrite struct {
	fate
	keys []string
}

// countedKey is an entry whose every write is counted, and whose value is that
// count.
type countedKey struct {
	base        int64 // the version that it had at the last settlement
	acked, open int   // writes since then
	seen        map[int64]bool
}

// move is a batch that moves an amount between accounts and leaves a receipt.
type move struct {
	fate
	from, to string
	amount   int64
}

// register is an entry with a value that each write makes another one.
type register struct {
	latest int64              // the newest version that is known
	known  map[int64]standing // by version
	given  map[int64]bool     // versions acknowledged to who wrote them
	open   []*attempt         // nobody knows what became of them
}

// standing is what an entry is at a version.
type standing struct {
	value   string
	deleted bool
}

// attempt is a write to a register.
type attempt struct {
	key, value string
	deletes    bool
	swaps      bool
	base       int64 // the version that it replaces and no other; 0: an entry that is not there

	after int64 // the newest version known when it was asked for
}

func newBook(accepts []store.Code) *book {
	return &book{
		accepts: accepts, fresh: make(map[string]*freshWrite), counts: make(map[string]*countedKey),
		moves: make(map[string]*move), registers: make(map[string]*register), codes: make(map[store.Code]int),
	}
}

// fateOf says what an answer tells, and takes note of codes that no client of a
// failing server should get.
func (b *book) fateOf(err error) fate {
	code := store.CodeOf(err)
	b.codes[code]++
	switch code {
	case "":
		return acked
	case store.Ambiguous:
		return unsure
	case store.Unavailable, store.Timeout, store.Busy, store.VersionMismatch, store.AlreadyExists, store.NotFound:
		return declined
	}
	if !slices.Contains(b.accepts, code) {
		b.faults.add("an answer is %v", err)
	}
	return declined
}

// answered takes in the answer to a read that failed.
func (b *book) answered(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fateOf(err) == unsure {
		b.faults.add("a read is of unknown outcome: %v", err)
	}
}

// wrote takes in the answer to a batch of fresh keys.
func (b *book) wrote(keys []string, results []store.Result, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := &freshWrite{fate: b.fateOf(err), keys: keys}
	for _, key := range keys {
		b.fresh[key] = w
	}
	for _, r := range results {
		if r.Entry.Version != 1 || !r.Created {
			b.faults.add("%s is acknowledged at version %d, created: %v", r.Entry.Key, r.Entry.Version, r.Created)
		}
	}
}

// counted takes in the answer to a write of a key that others write too.
func (b *book) counted(key string, results []store.Result, err error) {
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
		switch v := results[0].Entry.Version; {
		case k.seen[v]:
			b.faults.add("version %d of %s is acknowledged twice", v, key)
		case v <= k.base:
			b.faults.add("version %d of %s is acknowledged, and it was at %d", v, key, k.base)
		default:
			k.seen[v] = true
		}
	case unsure:
		k.open++
	case declined:
	}
}

func (b *book) moved(receipt string, m *move, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	m.fate = b.fateOf(err)
	b.moves[receipt] = m
}

func (b *book) register(key string) *register {
	r := b.registers[key]
	if r == nil {
		r = &register{known: make(map[int64]standing), given: make(map[int64]bool)}
		b.registers[key] = r
	}
	return r
}

// newest is the newest version of a register that is known.
func (b *book) newest(key string) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.register(key).latest
}

// saw takes in what was read of a register, after a version of it was known.
func (b *book) saw(e store.Entry, least int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.Version < least {
		b.faults.add("%s was read at version %d after version %d was known", e.Key, e.Version, least)
	}
	b.learn(e)
}

func (b *book) begin(w *attempt) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.register(w.key)
	w.after = r.latest
	r.open = append(r.open, w)
}

// ended takes in the answer to a write of a register.
func (b *book) ended(w *attempt, results []store.Result, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r, fate := b.register(w.key), b.fateOf(err)
	if fate == unsure {
		return
	}
	r.open = slices.DeleteFunc(r.open, func(o *attempt) bool { return o == w })
	if fate == declined {
		return
	}
	e, changed := results[0].Entry, results[0].Changed
	switch {
	case changed && e.Version <= w.after, e.Version < w.after:
		b.faults.add("%s got version %d, and version %d was known before it was asked for", w.key, e.Version, w.after)
	case w.base > 0 && e.Version != w.base+1:
		b.faults.add("%s was swapped from version %d to %d", w.key, w.base, e.Version)
	case changed && r.given[e.Version]:
		b.faults.add("version %d of %s is acknowledged twice", e.Version, w.key)
	}
	r.given[e.Version] = r.given[e.Version] || changed
	b.learn(e)
}

func standingOf(e store.Entry) standing {
	if !e.Exists() {
		return standing{deleted: true}
	}
	text, err := strconv.Unquote(string(e.Value.Data))
	if err != nil {
		text = string(e.Value.Data)
	}
	return standing{value: text}
}

// learn takes a version of a register for known.
func (b *book) learn(e store.Entry) {
	if e.Version == 0 {
		return
	}
	r, is := b.register(e.Key), standingOf(e)
	if known, ok := r.known[e.Version]; ok && known != is {
		b.faults.add("%s has two versions %d: %v and %v", e.Key, e.Version, known, is)
	}
	r.known[e.Version] = is
	r.latest = max(r.latest, e.Version)
}

// keys are all that were written to.
func (b *book) keys() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := slices.Collect(maps.Keys(b.fresh))
	all = slices.AppendSeq(all, maps.Keys(b.counts))
	all = slices.AppendSeq(all, maps.Keys(b.moves))
	all = slices.AppendSeq(all, maps.Keys(b.registers))
	for _, m := range b.moves {
		all = append(all, m.from, m.to)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (b *book) takeFaults() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := b.faults
	b.faults = nil
	return found
}

// answers counts those by code.
func (b *book) answers() map[store.Code]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.codes)
}
