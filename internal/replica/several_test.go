package replica_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"larder/internal/replica"
	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/value"
)

// distant is a store that takes its time for every call, and counts what is installed.
type distant struct {
	store.Forward
	takes     time.Duration
	installed atomic.Int64
}

func (d *distant) travel(ctx context.Context) {
	select {
	case <-time.After(d.takes):
	case <-ctx.Done():
	}
}

func (d *distant) Get(ctx context.Context, refs []store.Ref) (store.Read, error) {
	d.travel(ctx)
	return d.Store.Get(ctx, refs)
}

func (d *distant) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	d.travel(ctx)
	return d.Store.Apply(ctx, b)
}

func (d *distant) Install(ctx context.Context, entries []store.Entry) error {
	d.travel(ctx)
	d.installed.Add(int64(len(entries)))
	return d.Store.Install(ctx, entries)
}

// TestSeveralFollowers has the followers of eight processes bring the same target what it
// lacks. One does most of it, and the others come to know that it is done.
func TestSeveralFollowers(t *testing.T) {
	const entries, followers, page = 3000, 8, 50
	from := storetest.NewModel(storetest.ModelOptions{Name: "a"})
	to := &distant{Forward: store.Forward{Store: storetest.NewModel(storetest.ModelOptions{Name: "b"})}, takes: 2 * time.Millisecond}
	for n := range entries {
		op := store.Op{Kind: store.Put, Ref: ref("t", fmt.Sprintf("k%d", n)), Value: value.Value{Data: fmt.Appendf(nil, "%d", n)}}
		if _, err := from.Apply(t.Context(), store.Batch{Ops: []store.Op{op}}); err != nil {
			t.Fatal(err)
		}
	}
	var all []*replica.Follower
	for range followers {
		f := replica.Follow(replica.Options{From: from, FromName: "a", To: to, Every: time.Millisecond, Pause: time.Millisecond, Page: page, Leave: 100 * time.Millisecond})
		t.Cleanup(func() {
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		})
		all = append(all, f)
	}
	for n, f := range all {
		for deadline := time.Now().Add(patience); ; {
			if _, known := f.Lag(); known {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("follower %d has not caught up, and %d entries were installed of %d", n, to.installed.Load(), entries)
			}
			to.travel(t.Context())
		}
	}
	if installed := to.installed.Load(); installed > 2*entries {
		t.Errorf("%d entries were installed %d times, all followers together", entries, installed)
	}
	if have, copied := dump(t, from, "t"), dump(t, to, "t"); have != copied {
		t.Error("the target has not what the source has")
	}
}
