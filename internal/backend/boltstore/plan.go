package boltstore

import (
	bolt "go.etcd.io/bbolt"

	"larder/internal/backend/sortedindex"
	"larder/internal/store"
)

// access is a way to the entries that may match a query, in a transaction.
type access struct {
	sortedindex.Access
	bucket *bolt.Bucket // of the index, where there is one
}

func plan(tx *bolt.Tx, c *catalog, q *store.Query) (access, error) {
	indexes, err := openIndexes(tx, c, q.Table)
	if err != nil {
		return access{}, err
	}
	candidates := make([]sortedindex.Candidate, len(indexes))
	for i, x := range indexes {
		candidates[i] = sortedindex.Candidate{Index: &x.Index, Ready: x.progress.ready, Long: x.progress.long}
	}
	a := access{Access: sortedindex.Plan(candidates, q)}
	for _, x := range indexes {
		if a.Index == &x.Index {
			a.bucket = x.bucket
		}
	}
	return a, nil
}
