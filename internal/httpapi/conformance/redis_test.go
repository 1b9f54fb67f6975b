package conformance_test

import (
	"os"
	"slices"
	"testing"

	"larder/internal/store/storetest"
	"larder/internal/testenv"
	"larder/internal/testenv/gateway"
)

func TestRedisOverHTTP(t *testing.T) {
	storetest.Run(t, overHTTP(openRedis(gateway.RedisSetup{})))
}

// exceptQuickly leaves topics out of a run without LARDER_SOAK. Every run asks for
// them over HTTP where entries lie on one server, and asks a store in this
// deployment for them without HTTP: that is redisstore's own suite.
func exceptQuickly(h storetest.Harness, topics ...storetest.Topic) storetest.Harness {
	if os.Getenv("LARDER_SOAK") == "" {
		h.Without = slices.Concat(h.Without, topics)
	}
	return h
}

// TestRedisFromMemoryOverHTTP asks for nothing in particular, and so is answered from
// memory. Lists and queries never are.
func TestRedisFromMemoryOverHTTP(t *testing.T) {
	h := overHTTP(openRedis(gateway.RedisSetup{Memory: true}))
	storetest.Run(t, exceptQuickly(h, storetest.Scans, storetest.Queries, storetest.Indexes))
}

// sameAsAlone are the topics in which the way to a server makes no difference, as
// long as all keys are in one part.
func sameAsAlone() []storetest.Topic {
	return []storetest.Topic{
		storetest.Values, storetest.TTL, storetest.Patches, storetest.Counters,
		storetest.Scans, storetest.Queries, storetest.Indexes, storetest.Limits,
	}
}

func TestRedisBehindSentinelsOverHTTP(t *testing.T) {
	h := overHTTP(openRedis(gateway.RedisSetup{Site: testenv.RedisSentinel}))
	storetest.Run(t, exceptQuickly(h, sameAsAlone()...))
}

func TestRedisClusterOverHTTP(t *testing.T) {
	h := overHTTP(openRedis(gateway.RedisSetup{Site: testenv.RedisCluster, Shards: 1}))
	storetest.Run(t, exceptQuickly(h, sameAsAlone()...))
}

// TestRedisClusterInSlotsOverHTTP always has what keys in several parts make a
// difference to. Indexes are asked for over HTTP by TestSlotsOverHTTP as well.
func TestRedisClusterInSlotsOverHTTP(t *testing.T) {
	h := overHTTP(openRedis(gateway.RedisSetup{Site: testenv.RedisCluster, Shards: 16}))
	h.Without = append(h.Without, storetest.Together, storetest.UniqueIndexes)
	storetest.Run(t, exceptQuickly(h, storetest.Values, storetest.TTL, storetest.Patches, storetest.Counters, storetest.Indexes))
}
