package redisstore

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails where a store that was closed leaves a goroutine behind. Some of the
// client's for a Cluster sleep for some seconds before they see that it is closed.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*clusterClient)._refresh.func2"),
		goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*clusterClient).redirectOrNew.func1"),
		goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*call).DelayDo.func1"))
}
