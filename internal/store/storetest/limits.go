package storetest

import (
	"bytes"
	"context"
	"slices"
	"time"

	"larder/internal/store"
)

func limitTests() []test {
	return []test{
		{name: "a store says what it is", run: infoIsSound},
		{name: "capabilities are there as named", run: capabilitiesAreThere},
		{name: "maintenance changes nothing a reader sees", needs: []Topic{maintenance}, run: maintenanceKeeps},
		{name: "a snapshot has as many bytes as it says", run: snapshotBytes},
		{name: "a context that has ended ends every call", run: endedContexts},
		{name: "a closed store serves nothing", run: closedStore},
		{name: "closing ends the waiting", run: closingEndsWaiting},
	}
}

func infoIsSound(x *subject) {
	info := x.s.Info()
	if info.Name == "" || info.Engine == "" {
		x.Fatalf("the store is %+v", info)
	}
	again := x.s.Info()
	if again.Name != info.Name || again.Engine != info.Engine || again.Limits != info.Limits || !slices.Equal(again.Capabilities, info.Capabilities) {
		x.Fatalf("the store is first %+v, then %+v", info, again)
	}
	x.expect("Ping", x.s.Ping(x.Context()), "")
}

func capabilitiesAreThere(x *subject) {
	for _, c := range x.s.Info().Capabilities {
		var there bool
		switch c {
		case store.CanSearch:
			_, there = store.As[store.Searcher](x.s)
		case store.CanIndex:
			_, there = store.As[store.Indexer](x.s)
		case store.CanSnapshot:
			_, there = store.As[store.Snapshotter](x.s)
		case store.CanMaintain:
			_, there = store.As[store.Maintainer](x.s)
		case store.CanSQL:
			_, there = store.As[store.SQLRunner](x.s)
		case store.CanPubSub:
			_, there = store.As[store.PubSub](x.s)
		case store.CanCache:
			_, there = store.As[store.Cacher](x.s)
		case store.CanInspect:
			inspector, ok := store.As[store.Inspector](x.s)
			there = ok
			if ok {
				inspection, err := inspector.Inspect(x.Context())
				x.expect("Inspect", err, "")
				if inspection.Durability == "" {
					x.Fatal("the store does not say what an acknowledged write survives")
				}
			}
		}
		if !there {
			x.Fatalf("the store says it has %q, but it has not", c)
		}
	}
}

func maintenanceKeeps(x *subject) {
	x.fill("a", "b", "c")
	x.do(del("b"))
	want := x.everything()
	maintainer, _ := store.As[store.Maintainer](x.s)
	for _, action := range []store.Action{store.Cleanup, store.Compact, store.Flush, store.Vacuum, store.Analyze, "none"} {
		code := store.Code("")
		if !maintainer.Maintains(action) {
			code = store.Unsupported
		}
		for _, table := range []string{"", things, "never"} {
			x.expect(string(action), maintainer.Maintain(x.Context(), store.Maintenance{Action: action, Table: table}), code)
		}
		if diff := compareEntries(x.everything(), want); diff != "" {
			x.Fatalf("after %s: %s", action, diff)
		}
	}
	if e := x.do(put("b", `1`)); e.Version != 3 {
		x.Fatalf("after the maintenance there is %s, want version 3", show(e))
	}
}

func snapshotBytes(x *subject) {
	snapshotter, ok := store.As[store.Snapshotter](x.s)
	if !ok {
		x.Log("left out: the store has no snapshots")
		return
	}
	x.fill(oddKeys()...)
	var w bytes.Buffer
	n, err := snapshotter.Snapshot(x.Context(), &w)
	x.expect("Snapshot", err, "")
	if n == 0 || n != int64(w.Len()) {
		x.Fatalf("the snapshot has %d bytes, said to be %d", w.Len(), n)
	}
}

// calls is one call of every method that serves.
func (x *subject) calls() map[string]func(ctx context.Context) error {
	calls := map[string]func(ctx context.Context) error{
		"Get":     func(ctx context.Context) error { _, err := x.s.Get(ctx, []store.Ref{ref("k")}); return err },
		"Scan":    func(ctx context.Context) error { _, err := x.s.Scan(ctx, store.Scan{Table: things}); return err },
		"Changes": func(ctx context.Context) error { _, err := x.s.Changes(ctx, store.Changes{Table: things}); return err },
		"Tables":  func(ctx context.Context) error { _, err := x.s.Tables(ctx); return err },
		"Ping":    func(ctx context.Context) error { return x.s.Ping(ctx) },
		"Apply": func(ctx context.Context) error {
			_, err := x.s.Apply(ctx, store.Batch{Ops: []store.Op{put("k", `2`)}})
			return err
		},
	}
	if !x.lacks(Install) {
		calls["Install"] = func(ctx context.Context) error { return x.s.Install(ctx, []store.Entry{foreign("k", `3`, 3)}) }
	}
	if searcher, ok := store.As[store.Searcher](x.s); ok {
		calls["Search"] = func(ctx context.Context) error {
			_, err := searcher.Search(ctx, store.Query{Table: things})
			return err
		}
		calls["Count"] = func(ctx context.Context) error {
			_, err := searcher.Count(ctx, store.Query{Table: things})
			return err
		}
	}
	if indexer, ok := store.As[store.Indexer](x.s); ok {
		calls["Indexes"] = func(ctx context.Context) error { _, err := indexer.Indexes(ctx, things); return err }
	}
	if channels, ok := store.As[store.PubSub](x.s); ok {
		calls["Publish"] = func(ctx context.Context) error { return channels.Publish(ctx, "c", []byte(`1`)) }
		calls["Subscribe"] = func(ctx context.Context) error {
			subscription, err := channels.Subscribe(ctx, "c")
			if err == nil {
				subscription.Close()
			}
			return err
		}
	}
	return calls
}

func endedContexts(x *subject) {
	want := x.do(put("k", `1`))
	canceled, cancel := context.WithCancel(x.Context())
	cancel()
	late, stop := context.WithDeadline(x.Context(), time.Now().Add(-time.Second))
	defer stop()
	for name, call := range x.calls() {
		x.expect(name+" for one who went away", call(canceled), store.Canceled)
		x.expect(name+" past its deadline", call(late), store.Timeout)
	}
	x.holds(want)
}

func closedStore(x *subject) {
	calls := x.calls()
	x.do(put("k", `1`))
	x.closed = true
	x.expect("Close", x.s.Close(), "")
	for name, call := range calls {
		x.expect(name+" after Close", call(x.Context()), store.Unavailable)
	}
	if code := store.CodeOf(x.s.Close()); code != "" && code != store.Unavailable {
		x.Fatalf("the second Close gave %s", code)
	}
}

func closingEndsWaiting(x *subject) {
	done := x.waiting(x.Context(), store.Changes{Table: things, Wait: patience})
	x.closed = true
	began := time.Now()
	x.expect("Close", x.s.Close(), "")
	x.expect("waiting", <-done, store.Unavailable)
	if took := time.Since(began); took >= patience {
		x.Fatalf("closing took %s", took)
	}
}
