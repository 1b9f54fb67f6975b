package redisstore

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/testenv"
)

// calls are one of each kind that a store takes.
func (f *fixture) calls() map[string]func(ctx context.Context) error {
	return map[string]func(ctx context.Context) error{
		"Get":    func(ctx context.Context) error { _, err := f.Get(ctx, []store.Ref{ref("a")}); return err },
		"Scan":   func(ctx context.Context) error { _, err := f.Scan(ctx, store.Scan{Table: "t"}); return err },
		"Search": func(ctx context.Context) error { _, err := f.Search(ctx, store.Query{Table: "t"}); return err },
		"Count":  func(ctx context.Context) error { _, err := f.Count(ctx, store.Query{Table: "t"}); return err },
		"Tables": func(ctx context.Context) error { _, err := f.Tables(ctx); return err },
		"Changes": func(ctx context.Context) error {
			_, err := f.Changes(ctx, store.Changes{Wait: time.Minute})
			return err
		},
		"Apply": func(ctx context.Context) error {
			_, err := f.Apply(ctx, store.Batch{Ops: []store.Op{put("a", `1`)}})
			return err
		},
		"Apply of what is evaluated": func(ctx context.Context) error {
			op := plusOne("n")
			op.Increment.Min = []byte("0")
			_, err := f.Apply(ctx, store.Batch{Ops: []store.Op{op}})
			return err
		},
		"Install":  func(ctx context.Context) error { return f.Install(ctx, []store.Entry{{Ref: ref("i"), Version: 1}}) },
		"Maintain": func(ctx context.Context) error { return f.Maintain(ctx, store.Maintenance{Action: store.Cleanup}) },
		"Ping":     f.Ping,
	}
}

// unavailable holds that every call is refused, and that not one of them waits for the
// server as long as it would be waited for.
func (f *fixture) unavailable() {
	f.t.Helper()
	ctx, cancel := contextOf(f.t, time.Minute)
	defer cancel()
	for range 20 {
		for name, call := range f.calls() {
			fails(f.t, name, call(ctx), store.Unavailable)
		}
	}
}

// serves waits until the store does, and uses it.
func (f *fixture) serves() {
	f.t.Helper()
	poll(f.t, "the server", func() bool { return f.Ping(f.t.Context()) == nil })
	version := f.get("a").Version
	f.apply(put("a", `1`))
	if e := f.get("a"); e.Version != version+1 || !e.Exists() {
		f.t.Errorf("what was written at version %d is at version %d", version+1, e.Version)
	}
	sound(f.t, f.Store)
}

// patient has a store wait long for a server that does not answer, so that it would be
// seen if it waited for one that is not there.
func patient(o *Options) { o.ConnectTimeout, o.ReplyTimeout = time.Minute, time.Minute }

// TestOpenedBeforeServer opens a store where no server is yet. All calls are refused at
// once, and once the server is there they are not.
func TestOpenedBeforeServer(t *testing.T) {
	t.Parallel()
	server := durable(t)
	server.Stop(t)
	f := openOn(t, server.URL, patient)
	f.unavailable()
	server.Start(t)
	f.serves()
	server.Kill(t)
	// Until somebody has met the broken connection, what is written to it has an outcome
	// that is not known.
	poll(t, "the connection to be found broken", func() bool { return f.Ping(t.Context()) != nil })
	f.unavailable()
	server.Start(t)
	f.serves()
}

// TestOpenedBeforeSentinels does so where there are neither sentinels nor servers, and
// where there are sentinels only.
func TestOpenedBeforeSentinels(t *testing.T) {
	t.Parallel()
	site := testenv.StartSentinel(t, testenv.RedisOptions{})
	all := append(append([]*testenv.RedisServer{}, site.Sentinels...), site.Nodes...)
	for _, one := range all {
		one.Kill(t)
	}
	f := openOn(t, site.URL, patient)
	f.unavailable()
	for i, one := range all {
		if i == len(site.Sentinels) {
			f.unavailable()
		}
		one.Start(t)
	}
	f.serves()
}

// TestOpenedBeforeCluster does so where no node of the Cluster is there, and then one
// after another.
func TestOpenedBeforeCluster(t *testing.T) {
	t.Parallel()
	cluster := testenv.StartRedisCluster(t, testenv.RedisOptions{})
	for i := range cluster.Nodes {
		cluster.Kill(t, i)
	}
	f := openOn(t, cluster.URL, patient)
	f.unavailable()
	for _, node := range cluster.Nodes {
		fails(t, "Ping", f.Ping(t.Context()), store.Unavailable)
		node.Start(t)
	}
	f.serves()
}

// crowd has many call at once, each some times over, and waits for them.
func (f *fixture) crowd() {
	f.t.Helper()
	ctx, cancel := contextOf(f.t, time.Minute)
	defer cancel()
	calls := f.calls()
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			for name, call := range calls {
				if err := call(ctx); store.CodeOf(err) != store.Unavailable && store.CodeOf(err) != store.Ambiguous {
					f.t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		f.t.Error("the callers were not refused in a minute")
	}
}

// TestCrowdWhileDown has many call at once while the server is not there, and while it
// hangs. All are refused, and none leaves anything behind that still waits.
func TestCrowdWhileDown(t *testing.T) { // not in parallel, to count goroutines
	server := durable(t)
	f := openOn(t, server.URL)
	f.apply(put("a", `1`))
	settled := runtime.NumGoroutine()
	left := func() {
		t.Helper()
		poll(t, "the goroutines to end", func() bool { return runtime.NumGoroutine() <= settled+8 })
	}
	server.Kill(t)
	f.crowd()
	left()
	server.Start(t)
	f.serves()
	server.Pause(t)
	poll(t, "the link to break", func() bool { return f.Ping(t.Context()) != nil })
	f.crowd()
	server.Resume(t)
	f.serves()
	left()
}
