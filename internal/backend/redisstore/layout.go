package redisstore

import (
	"strconv"
	"strings"

	"larder/internal/store"
)

// formatVersion is what this code writes, and the newest that it reads.
const formatVersion = 1

// shard is one part of the store. All of its keys share a hash tag, and with it
// a slot.
type shard struct {
	index int
	slot  uint16
	base  string // begins the names of its keys: "larder{0}:"

	sequence, meta, tables string // names that are there once

	// never names what is never there. While a slot is being moved a Cluster refuses
	// scripts that name keys which are not where they are looked for; others it would
	// have find nothing there. So every script that looks at keys that it does not
	// name, names this one too.
	never string
}

// Names of a table's keys. A table's name has no colon, so they can't be
// mistaken for each other, whatever a key is.
func (d *shard) state(table string) string      { return d.base + "t:" + table }
func (d *shard) keys(table string) string       { return d.base + "k:" + table }
func (d *shard) changes(table string) string    { return d.base + "c:" + table }
func (d *shard) expiry(table string) string     { return d.base + "x:" + table }
func (d *shard) tombstones(table string) string { return d.base + "d:" + table }
func (d *shard) indexes(table string) string    { return d.base + "i:" + table }
func (d *shard) entry(ref store.Ref) string     { return d.base + "e:" + ref.Table + ":" + ref.Key }

// indexSet names the sorted set of a secondary index.
func (d *shard) indexSet(table string, id uint64) string {
	return d.indexes(table) + ":" + strconv.FormatUint(id, 10)
}

// building names the lease on the building of an index.
func (d *shard) building(table string, id uint64) string {
	return d.base + "b:" + table + ":" + strconv.FormatUint(id, 10)
}

// slots is how many there are in a Cluster.
const slots = 1 << 14

// newShards names the shards of a store. Of several each lies in the n-th part of
// the slots, so that they are spread evenly over a Cluster's nodes.
func newShards(prefix string, count int) []shard {
	shards := make([]shard, count)
	for tag, found := 0, 0; found < count; tag++ {
		text := strconv.Itoa(tag)
		slot := slotOf(text)
		d := &shards[int(slot)*count/slots]
		if d.base != "" {
			continue
		}
		found++
		base := prefix + "{" + text + "}:"
		*d = shard{slot: slot, base: base, sequence: base + "s", meta: base + "m", tables: base + "t", never: base + "n"}
	}
	for i := range shards {
		shards[i].index = i
	}
	return shards
}

// shardOf gives the shard that a key of any table lies in.
func (k *keyspace) shardOf(key string) *shard {
	if len(k.shards) == 1 {
		return &k.shards[0]
	}
	return &k.shards[int(slotOf(hashTag(key)))*len(k.shards)/slots]
}

// hashTag is the part of a key that decides on its shard: what stands between the
// first opening brace and the next closing one, or all of it where that is nothing
// (Redis Cluster Specification, Hash tags).
func hashTag(key string) string {
	_, rest, found := strings.Cut(key, "{")
	if !found {
		return key
	}
	if tag, _, closed := strings.Cut(rest, "}"); closed && tag != "" {
		return tag
	}
	return key
}

// slotOf is CRC-16/XMODEM, reduced to the slots.
func slotOf(tag string) uint16 {
	var crc uint16
	for i := range len(tag) {
		crc ^= uint16(tag[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return crc % slots
}

// keyspace is how the keys of a store are named and spread.
type keyspace struct {
	shards []shard
}

// together gives the shard in which all the refs of a batch lie; for a batch
// whose keys lie apart it fails with CrossSlot and names them.
func (s *Store) together(k *keyspace, b *store.Batch) (*shard, error) {
	d := k.shardOf(b.Ops[0].Ref.Key)
	if len(k.shards) == 1 {
		return d, nil
	}
	failures := b.Elsewhere(func(ref store.Ref) int { return k.shardOf(ref.Key).index })
	if failures == nil {
		return d, nil
	}
	e := s.fail(store.CrossSlot, "the keys of an atomic batch lie in one slot, as keys do that have the same between braces, such as {ada}/profile and {ada}/settings", nil)
	e.Ref, e.Failures = failures[0].Err.Ref, failures
	return nil, e
}
