package redisstore

import (
	"testing"

	"larder/internal/store/storetest"
	"larder/internal/testenv"
)

func TestStoreBehindSentinels(t *testing.T) { storetest.Run(t, harnessOn(testenv.RedisSentinel)) }

// TestStoreInCluster has all keys in one slot, so that it can do all that a single
// server can.
func TestStoreInCluster(t *testing.T) {
	storetest.Run(t, harnessOn(testenv.RedisCluster, func(o *Options) { o.Shards = 1 }))
}

// inSlots has keys lie all over a Cluster.
func inSlots() storetest.Harness {
	h := harnessOn(testenv.RedisCluster, func(o *Options) { o.Shards = 16 })
	h.Without = []storetest.Topic{storetest.Together, storetest.UniqueIndexes}
	return h
}

func TestStoreInSlotsOfCluster(t *testing.T) { storetest.Run(t, inSlots()) }

func TestRandomOperationsInSlots(t *testing.T) {
	storetest.Differential(t, inSlots(), storetest.Random{Steps: 500, Runs: 2})
}

func TestLinearizableInSlots(t *testing.T) {
	storetest.Linearizable(t, inSlots(), storetest.Random{Steps: 1_000, Runs: 2})
}

// TestStoreInShards has one server hold what may go to a Cluster one day.
func TestStoreInShards(t *testing.T) {
	h := harnessOn(testenv.Redis, func(o *Options) { o.Shards = 3 })
	h.Without = []storetest.Topic{storetest.Together, storetest.UniqueIndexes}
	storetest.Run(t, h)
}
