// Package store is the domain of larder: what an entry is, what can be asked
// of one, and what every place that keeps entries owes to its callers.
//
// Everything that stores is a [Store]: a backend, a backend behind a wrapper,
// a strategy over several of them. All pass the suite in package storetest.
//
//	ref := store.Ref{Table: "users", Key: "ada"}
//	put := store.Op{Kind: store.Put, Ref: ref, Value: v, If: store.Precondition{Absent: true}}
//	results, err := s.Apply(ctx, store.Batch{Ops: []store.Op{put}})
//	if errors.Is(err, store.AlreadyExists) {
//		// somebody was first; nothing was written
//	}
//	read, err := s.Get(ctx, []store.Ref{ref})
//	if read.Entries[0].Exists() {
//		// the value and its version
//	}
//
// There is one write path, Apply, and one meaning of every operation, [Eval].
// Versions only grow: deleting leaves a tombstone that carries the next one.
package store
