package boltstore

import (
	"context"
	"path/filepath"
	"strconv"

	bolt "go.etcd.io/bbolt"

	"larder/internal/store"
)

// Inspect says how the file is set up and how it fares.
func (s *Store) Inspect(ctx context.Context) (store.Inspection, error) {
	if ctx.Err() != nil {
		return store.Inspection{}, s.ended(ctx)
	}
	var state fileState
	var sum tableState
	var indexed, size int64
	err := s.view(func(tx *bolt.Tx) (err error) {
		if state, err = readState(tx); err != nil {
			return err
		}
		for _, indexes := range s.indexes.Load().byTable {
			for _, x := range indexes {
				p, _, err := readProgress(tx, x.id)
				if err != nil {
					return err
				}
				indexed += p.entries
			}
		}
		size = tx.Size()
		return tx.Bucket(tablesBucket).ForEach(func(_, b []byte) error {
			t, err := decodeTableState(b)
			sum.live += t.live
			sum.tombstones += t.tombstones
			return err
		})
	})
	if err != nil {
		return store.Inspection{}, err
	}
	f := s.acquire()
	defer f.release()
	free := int64(f.db.Stats().FreePageN+f.db.Stats().PendingPageN) * int64(f.db.Info().PageSize)
	return store.Inspection{
		Durability: s.durability(),
		Details: map[string]string{
			"file":      filepath.Base(s.options.Path),
			"format":    strconv.Itoa(formatVersion),
			"page_size": strconv.Itoa(f.db.Info().PageSize),
			"writable":  strconv.FormatBool(s.refuses.Load() == nil),
		},
		Figures: []store.Figure{
			{Name: "file_bytes", Help: "Size of the file.", Value: float64(max(size, sizeOf(s.options.Path)))},
			{Name: "free_bytes", Help: "Space in the file that is free to be used again.", Value: float64(free)},
			{Name: "entries", Help: "Entries, expired ones that have not been reaped too.", Value: float64(sum.live)},
			{Name: "tombstones", Help: "Deletions that are still remembered.", Value: float64(sum.tombstones)},
			{Name: "index_entries", Help: "Entries in all indexes.", Value: float64(indexed)},
			{Name: "sequence", Help: "Sequence of the last write.", Value: float64(state.sequence), Counter: true},
			{Name: "commits_total", Help: "Transactions committed, each with one fsync of data.", Value: float64(s.tallies.commits.Load()), Counter: true},
			{Name: "commit_requests_total", Help: "Requests that those transactions carried.", Value: float64(s.tallies.requests.Load()), Counter: true},
			{Name: "written_entries_total", Help: "Entries and tombstones written.", Value: float64(s.tallies.entries.Load()), Counter: true},
			{Name: "reaped_total", Help: "Expired entries and old tombstones cleared up.", Value: float64(s.tallies.reaped.Load()), Counter: true},
		},
	}, nil
}

func (s *Store) durability() string {
	if s.options.NoSync {
		return "nothing is synced: a crash of the host may lose acknowledged writes and destroy the file"
	}
	return "an acknowledged write has been synced to the file, and survives a crash of the process and of the host"
}
