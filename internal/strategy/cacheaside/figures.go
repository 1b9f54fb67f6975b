package cacheaside

import "sync/atomic"

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
