package cacheaside

import (
	"sync/atomic"

	"larder/internal/store"
)

// figures count what became of reads and fills.
type figures struct {
	memoryHits, cacheHits   atomic.Int64
	misses, stale, bypassed atomic.Int64
	joined, fallbacks       atomic.Int64
	filled, unfilled        atomic.Int64
	cacheFailures           atomic.Int64
}

// Figures are what a Store has counted since it was made.
type Figures struct {
	MemoryHits, CacheHits int64 // answered from this process's copies; from the cache's
	Misses                int64 // read from the primary, since there was no copy
	Stale                 int64 // or since no copy could be shown to be good
	Bypassed              int64 // or since nothing but the newest was asked for, or more than one entry
	Joined                int64 // answered by the load of another reader
	Fallbacks             int64 // answered from an old copy, since the primary could not
	Filled, Unfilled      int64 // copies put in the cache; that could not be
	CacheFailures         int64
	CacheResting          bool   // the cache is not asked just now, since it has failed
	MemoryBytes           uint64 // about
}

// Figures tells them.
func (s *Store) Figures() Figures {
	f := &s.figures
	return Figures{
		MemoryHits: f.memoryHits.Load(), CacheHits: f.cacheHits.Load(),
		Misses: f.misses.Load(), Stale: f.stale.Load(), Bypassed: f.bypassed.Load(),
		Joined: f.joined.Load(), Fallbacks: f.fallbacks.Load(),
		Filled: f.filled.Load(), Unfilled: f.unfilled.Load(), CacheFailures: f.cacheFailures.Load(),
		CacheResting: !s.gate.open(), MemoryBytes: s.memory.bytes(),
	}
}

// Told are the figures as metrics have them, with how old what is known of the primary is.
func (s *Store) Told() []store.Figure {
	f := s.Figures()
	counter := func(name, help string, n int64) store.Figure {
		return store.Figure{Name: name + "_total", Help: help, Value: float64(n), Counter: true}
	}
	told := []store.Figure{
		counter("memory_hits", "Reads answered from this process's copies.", f.MemoryHits),
		counter("cache_hits", "Reads answered from the cache's copies.", f.CacheHits),
		counter("misses", "Reads of which there was no copy.", f.Misses),
		counter("stale", "Reads whose copies could not be shown to be fresh.", f.Stale),
		counter("bypassed", "Reads that asked for nothing but the newest, or for several entries.", f.Bypassed),
		counter("joined", "Reads answered by the load of another.", f.Joined),
		counter("fallbacks", "Reads answered from an old copy or by another member, since the one that should have could not.", f.Fallbacks),
		counter("filled", "Copies put in the cache.", f.Filled),
		counter("unfilled", "Copies that could not be put in the cache.", f.Unfilled),
		counter("cache_failures", "Calls to the cache that failed.", f.CacheFailures),
		{Name: "cache_resting", Help: "Whether the cache is left alone since it has failed.", Value: oneIf(f.CacheResting)},
		{Name: "memory_bytes", Help: "Memory of this process's copies, about.", Value: float64(f.MemoryBytes)},
	}
	if asked := f.MemoryHits + f.CacheHits + f.Joined + f.Misses + f.Stale; asked > 0 {
		told = append(told, store.Figure{Name: "hit_ratio", Help: "Of the reads that would take a copy, those that one answered.", Value: float64(f.MemoryHits+f.CacheHits+f.Joined) / float64(asked)})
	}
	if age, known := s.ledger.Age(); known {
		told = append(told, store.Figure{Name: "feed_age_seconds", Help: "How long ago the primary's feed was last read.", Value: age.Seconds()})
	}
	return told
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
