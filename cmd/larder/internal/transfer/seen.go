package transfer

import "hash/maphash"

// seen remembers keys in fixed space (a Bloom filter: Burton H. Bloom, 1970).
// It never forgets one; of those it has not seen it takes some for seen, fewer
// than one in 10,000 after a million keys.
type seen struct {
	seed maphash.Seed
	bits []uint64
}

const (
	seenWords  = 1 << 19 // 4 MiB
	seenProbes = 4
)

func newSeen() *seen {
	return &seen{seed: maphash.MakeSeed(), bits: make([]uint64, seenWords)}
}

func (s *seen) add(key string) {
	for i := range s.probes(key) {
		s.bits[i/64] |= 1 << (i % 64)
	}
}

func (s *seen) has(key string) bool {
	for i := range s.probes(key) {
		if s.bits[i/64]&(1<<(i%64)) == 0 {
			return false
		}
	}
	return true
}

// probes gives the bits of a key, from the two halves of one hash (Kirsch and
// Mitzenmacher, 2006).
func (s *seen) probes(key string) func(yield func(uint64) bool) {
	hash := maphash.String(s.seed, key)
	first, step := hash&0xffffffff, hash>>32|1
	return func(yield func(uint64) bool) {
		for i := range uint64(seenProbes) {
			if !yield((first + i*step) % (seenWords * 64)) {
				return
			}
		}
	}
}
