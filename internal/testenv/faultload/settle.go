package faultload

import (
	"maps"
	"slices"
	"strconv"

	"larder/internal/store"
)

// settle holds what is stored against the book, and takes it for granted from then
// on. It gives the number of acknowledged writes that are lost. read gives entries
// by their keys.
func (b *book) settle(read func(keys []string) map[string]store.Entry) (lost int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	lost += b.settleFresh(read(sorted(b.fresh)))
	lost += b.settleCounts(read(sorted(b.counts)))
	lost += b.settleMoves(read(sorted(b.moves)), read)
	lost += b.settleRegisters(read(sorted(b.registers)))
	return lost
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func (b *book) settleFresh(found map[string]store.Entry) (lost int) {
	for _, key := range sorted(b.fresh) {
		w, e := b.fresh[key], found[key]
		switch there := e.Exists(); {
		case there != found[w.keys[0]].Exists():
			b.faults.add("of a batch, %s is there: %v, and %s: %v", key, there, w.keys[0], !there)
		case w.fate == declined && there:
			b.faults.add("%s was said not to be written, or was lost, and is there", key)
		case there && e.Version != 1:
			b.faults.add("%s was written %d times", key, e.Version)
		}
	}
	for key, w := range b.fresh {
		if key == w.keys[0] && w.fate == acked && !found[key].Exists() {
			lost++
		}
	}
	for key, w := range b.fresh {
		w.fate = fateOf(found[key])
	}
	return lost
}

// fateOf says what is known of a write by whether it is there.
func fateOf(e store.Entry) fate {
	if e.Exists() {
		return acked
	}
	return declined
}

func (b *book) settleCounts(found map[string]store.Entry) (lost int) {
	for key, k := range b.counts {
		e := found[key]
		missing := 0
		for v := range k.seen {
			if v > e.Version {
				missing++
			}
		}
		lost += missing
		if n := int(e.Version - k.base); n > k.acked+k.open || n < k.acked-missing {
			b.faults.add("%s was written %d times, by %d writes acknowledged and %d of unknown outcome", key, n, k.acked, k.open)
		}
		if text := strconv.FormatInt(e.Version, 10); e.Exists() && string(e.Value.Data) != text {
			b.faults.add("%s is %s at version %s", key, e.Value.Data, text)
		}
		b.counts[key] = &countedKey{base: e.Version, seen: make(map[int64]bool)}
	}
	return lost
}

func (b *book) settleMoves(receipts map[string]store.Entry, read func([]string) map[string]store.Entry) (lost int) {
	balances, times := make(map[string]int64), make(map[string]int64)
	for key, m := range b.moves {
		there := receipts[key].Exists()
		switch {
		case m.fate == acked && !there:
			lost++
		case m.fate == declined && there:
			b.faults.add("the move %s was said not to be made, or was lost, and is there", key)
		}
		if there {
			balances[m.from] -= m.amount
			balances[m.to] += m.amount
			times[m.from]++
			times[m.to]++
		}
		m.fate = fateOf(receipts[key])
	}
	stored := read(sorted(times))
	for account, balance := range balances {
		if e := stored[account]; e.Version != times[account] || string(e.Value.Data) != strconv.FormatInt(balance, 10) {
			b.faults.add("%s is %s after %d moves, and by its receipts %d after %d", account, e.Value.Data, e.Version, balance, times[account])
		}
	}
	return lost
}

func (b *book) settleRegisters(found map[string]store.Entry) (lost int) {
	for key, r := range b.registers {
		e := found[key]
		for version := range r.known {
			if version > e.Version {
				lost++
				delete(r.known, version)
				delete(r.given, version)
			}
		}
		if e.Version > r.latest && (!r.explains(standingOf(e), e.Version) || e.Version-r.latest > int64(len(r.open))) {
			b.faults.add("%s went from version %d to %d, %v, which no write of unknown outcome explains: there are %d", key, r.latest, e.Version, standingOf(e), len(r.open))
		}
		r.latest, r.open = e.Version, nil
		b.learn(e)
	}
	return lost
}

// explains says whether a write of unknown outcome can have left this.
func (r *register) explains(is standing, version int64) bool {
	return slices.ContainsFunc(r.open, func(w *attempt) bool {
		return w.deletes == is.deleted && w.value == is.value && (w.base == 0 || version == w.base+1)
	})
}
