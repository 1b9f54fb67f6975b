package conformance_test

import (
	"testing"

	"larder/internal/store/storetest"
	"larder/internal/testenv"
	"larder/internal/testenv/gateway"
)

func TestRedisOverHTTP(t *testing.T) {
	storetest.Run(t, overHTTP(openRedis(gateway.RedisSetup{})))
}

// TestRedisFromMemoryOverHTTP asks for nothing in particular, and so is answered from
// memory.
func TestRedisFromMemoryOverHTTP(t *testing.T) {
	storetest.Run(t, overHTTP(openRedis(gateway.RedisSetup{Memory: true})))
}

func TestRedisBehindSentinelsOverHTTP(t *testing.T) {
	storetest.Run(t, overHTTP(openRedis(gateway.RedisSetup{Site: testenv.RedisSentinel})))
}

func TestRedisClusterOverHTTP(t *testing.T) {
	storetest.Run(t, overHTTP(openRedis(gateway.RedisSetup{Site: testenv.RedisCluster, Shards: 1})))
}

func TestRedisClusterInSlotsOverHTTP(t *testing.T) {
	h := overHTTP(openRedis(gateway.RedisSetup{Site: testenv.RedisCluster, Shards: 16}))
	h.Without = append(h.Without, storetest.Together, storetest.UniqueIndexes)
	storetest.Run(t, h)
}
