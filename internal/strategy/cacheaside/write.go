package cacheaside

import (
	"context"

	"larder/internal/store"
)

// Apply has the primary do it. What that has written is then in the memory and, unless
// it takes too long, in the cache.
func (s *Store) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	// Before the write: whatever it commits lies at this horizon or beyond.
	before := s.ledger.reading.Load()
	results, err := s.primary.Apply(ctx, b)
	if err != nil || b.DryRun {
		return results, err
	}
	s.Committed(results)
	if before != nil {
		s.keep(ctx, results, before)
	}
	return results, nil
}

// Committed tells that a batch has been applied to the primary by another way. No copy
// that is older than its results is served in this process from now on.
func (s *Store) Committed(results []store.Result) {
	for i := range results {
		s.ledger.floors.see(results[i].Entry.Ref, results[i].Entry.Version)
	}
}

// keep keeps copies of what has been written. The write is done, whether or not its caller
// still waits for it, and whatever becomes of them.
func (s *Store) keep(ctx context.Context, results []store.Result, before *reading) {
	shared := s.cache != nil && s.gate.open()
	var copies []store.Copy
	if shared {
		copies = make([]store.Copy, 0, len(results))
	}
	for i := range results {
		if !results[i].Changed {
			continue
		}
		c := store.Copy{Entry: results[i].Entry, Horizon: before.horizon, Epoch: before.epoch}
		s.memory.keep(&c, !shared)
		if shared {
			copies = append(copies, c)
		}
	}
	if len(copies) > 0 {
		end := store.TraceOf(ctx).Begin(s.options.CacheName, "keep")
		s.filler.put(copies, s.options.PutTimeout)
		end("", "")
	}
}

// Install has the primary do it.
func (s *Store) Install(ctx context.Context, entries []store.Entry) error {
	err := s.primary.Install(ctx, entries)
	if err != nil {
		return err
	}
	for i := range entries {
		// Those that were not newer raise nothing above what is there.
		s.ledger.floors.see(entries[i].Ref, entries[i].Version)
	}
	return nil
}
