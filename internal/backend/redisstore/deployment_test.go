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
