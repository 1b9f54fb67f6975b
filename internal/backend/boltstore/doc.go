// Package boltstore is a store.Store in one bbolt file, with every capability.
//
//	s, err := boltstore.Open(boltstore.Options{Path: "data/larder.db"})
//	if err != nil {
//		return err // says what to do: the file is locked, damaged, not larder's, …
//	}
//	defer s.Close()
//
// # The file
//
// All is kept in buckets at the root of the file (see layout.go):
//
//	larder     the format, the file's id, the last sequence and time
//	tables     table → counts, version floor, how far the feed is compacted
//	indexes    index id → its definition and how far it has been built
//	e:TABLE    key → entry or tombstone
//	c:TABLE    sequence → key: the order of change; of each key the latest counts
//	x:TABLE    end of life ‖ key: what expires, the soonest first
//	d:TABLE    sequence → key: tombstones, the oldest first
//	i:ID       field values in their order ‖ key: a secondary index
//
// Every write takes the next sequence of the file. It orders the change feed,
// and one past the last is the horizon.
//
// # Writing
//
// One goroutine writes. It takes what is waiting, evaluates each request
// against what the ones before it left, and commits them together with one
// fsync; what arrives meanwhile is the next commit. A request is written only
// once it is known to be good, so one that fails does so alone.
//
// Reads are read transactions of bbolt, which see the last commit and wait for
// nobody. The file is mapped with room to grow (see mapBytes), since bbolt
// would otherwise stop all readers whenever a growing file met a long read.
//
// # When the disk is full
//
// A commit that finds no room fails with StorageFull and leaves nothing
// behind; reads go on, and so do writes once there is room. Deleting is
// writing, and needs pages itself: it succeeds while the file has free ones,
// which a full file mostly has not. So room has to come from outside.
package boltstore
