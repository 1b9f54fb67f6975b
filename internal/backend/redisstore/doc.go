// Package redisstore is a store.Store in Redis, 7.0 or newer, standalone, behind
// Sentinel, or a Cluster.
//
//	s, err := redisstore.Open(ctx, redisstore.Options{URL: "redis://127.0.0.1:6379"})
//	if err != nil {
//		return err // says what to do: no such address, no rights, another layout, …
//	}
//	defer s.Close()
//
// A server that can't be reached is no error: the store connects once it can, and
// until then every call is refused with Unavailable.
//
// # The keys
//
// An entry is one string, its version and times in front (record.go). Beside it,
// with the same hash tag and so in the same slot, are the orders it is found in
// (layout.go):
//
//	P{i}:s          sequence of the last write
//	P{i}:m          what the store is: its format, its id, how many shards it has
//	P{i}:t          set of the tables
//	P{i}:t:TABLE    what a table remembers of tombstones that are gone, and the
//	                generation of its indexes
//	P{i}:e:TABLE:K  entry or tombstone
//	P{i}:k:TABLE    sorted set: keys of entries, in the order of bytes
//	P{i}:c:TABLE    sorted set: keys by the sequence of their last write
//	P{i}:x:TABLE    sorted set: keys by the end of their life
//	P{i}:d:TABLE    sorted set: keys of tombstones by the time of deletion
//	P{i}:i:TABLE    hash: definitions of secondary indexes
//	P{i}:i:TABLE:N  sorted set: a secondary index
//	P{i}:b:TABLE:N  lease on the building of that index, while one builds it
//	P{i}:y:SPACE:TABLE:K  copy of an entry of another store (copies.go)
//
// P is the prefix, i the shard: a store has a fixed number of them, one unless
// said otherwise, 64 in a Cluster. A key's shard follows from the key alone, or,
// as Redis has it, from what stands between the first braces in it; so keys that
// have to be written together can be kept together.
//
// # Writing
//
// A write is one script, which validates everything before it writes anything,
// since a script that fails is not rolled back. Puts, deletes and the common
// increments are evaluated by the script itself (lua/write.lua). All else is
// read, evaluated by store.Eval, and written if what was read still stands
// (lua/commit.lua); where it does not, again.
//
// Every write takes the next sequence of its shard, which is a time in µs as well
// wherever it can be (Lamport 1978): it orders the change feed. Expiry is by the
// server's clock, and nothing is left to Redis's own expiry, which would forget
// versions.
//
// # Indexes and queries
//
// An index is a sorted set of package sortedindex's members, which a write keeps in
// step. A table's indexes are of a generation: each change of them makes another one,
// and every script that writes, or reads by an index, is told which one its caller
// knows, and does nothing where that is not the one that stands (catalog.go). So from
// the moment that an index is defined no write misses it, whoever wrote, and what was
// there before is added in the background (indexbuild.go).
//
// Of several shards the first says what indexes there are, and the others follow it
// (indexrepair.go). None of them can be unique, since no script sees two shards.
//
// A query reads candidates in chunks, by an index or by the keys, holds them against
// its filter here, and is then brought to one moment by what has changed since the
// first chunk (searchmoment.go).
//
// # Messages
//
// A message goes by Redis's own PUBLISH, on a channel named after the prefix and the
// database (pubsubwire.go), so a Redis user that is to use them needs some rights more
// (rights.go). Whatever is subscribed to, one connection receives it for the whole
// store.
package redisstore
