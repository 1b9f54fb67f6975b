package redisstore

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/testenv"
	"larder/internal/testenv/faultload"
)

// rounds is how often a fault comes, or ten times as often in a soak.
func rounds(n int) int {
	if os.Getenv("LARDER_SOAK") != "" {
		return 10 * n
	}
	return n
}

// openOn opens a store on a server that a test has for itself, with the patience that
// it has by default.
func openOn(t testing.TB, url string, change ...func(o *Options)) *fixture {
	t.Helper()
	o := Options{URL: url, Retention: store.Retention{Interval: time.Hour}}
	for _, f := range change {
		f(&o)
	}
	return openWith(t, o)
}

// startLoad has clients write and follow the feed. Its end is to be checkLoad.
func startLoad(f *fixture, o faultload.Options) *faultload.Load {
	f.t.Helper()
	o.Follow = true
	return faultload.Start(f.t, f, o)
}

// checkLoad holds what is stored against what the clients were told, and the orders
// against what is stored.
func checkLoad(f *fixture, l *faultload.Load) {
	f.t.Helper()
	l.Check()
	sound(f.t, f.Store)
	tallies := &f.tallies
	f.t.Logf("%d batches by script, %d evaluated, %d repeated, %d of unknown outcome",
		tallies.scripted.Load(), tallies.commits.Load(), tallies.repeated.Load(), tallies.unknown.Load())
}

// durable is a server that has written to its disk what it acknowledges.
func durable(t testing.TB) *testenv.RedisServer {
	t.Helper()
	return testenv.StartRedis(t, testenv.RedisOptions{AppendOnly: true, AppendFsync: "always"})
}

// standing is some entries that are there and don't change.
type standing struct {
	refs  []store.Ref
	texts []string
}

// fill writes entries of some size.
func fill(f *fixture, n int) *standing {
	f.t.Helper()
	all := &standing{}
	var ops []store.Op
	for i := range n {
		key, text := fmt.Sprintf("%03d", i), fmt.Sprintf(`"%d %s"`, i, strings.Repeat("x", 2000))
		all.refs, all.texts = append(all.refs, ref(key)), append(all.texts, text)
		ops = append(ops, put(key, text))
	}
	f.apply(ops...)
	return all
}

// hold holds what was read to the entries; one that failed is no part of them.
func (all *standing) hold(t testing.TB, what string, got []store.Entry, err error) {
	t.Helper()
	if err != nil {
		fails(t, what, err, store.Unavailable)
		return
	}
	if len(got) != len(all.refs) {
		t.Fatalf("%s gives %d entries", what, len(got))
	}
	for i, e := range got {
		if e.Ref != all.refs[i] || string(e.Value.Data) != all.texts[i] {
			t.Errorf("%s gives %.20s for %s", what, e.Value.Data, e.Key)
		}
	}
}
