package replica_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"larder/internal/replica"
	"larder/internal/store"
	"larder/internal/value"
)

func copying(from, to store.Store) replica.Copying {
	return replica.Copying{
		From: from, To: to, Name: "copy 1", Page: 7, Patience: 20 * time.Millisecond,
		Tables: func(table string) bool { return table != "other" },
	}
}

func mustPut(t *testing.T, s store.Store, key string, n int) {
	t.Helper()
	op := store.Op{Kind: store.Put, Ref: ref("t", key), Value: value.Value{Data: fmt.Appendf(nil, "%d", n)}}
	if _, err := s.Apply(t.Context(), store.Batch{Ops: []store.Op{op}}); err != nil {
		t.Error(err)
	}
}

// TestCopy copies a table that is written all the time, and compares what was written since
// at the end, when nothing is any more.
func TestCopy(t *testing.T) {
	t.Parallel()
	from, to := apart(t)
	for n := range 50 {
		mustPut(t, from, fmt.Sprint("k", n%40), n)
	}
	install(t, from, tombstone("t", "gone", 9), entry("other", "k", 1, 1))
	stop := make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
				mustPut(t, from, fmt.Sprint("k", n%60), n)
			}
		}
	})
	var phases []string
	o := copying(from, to)
	o.Progress = func(phase string, _, _ int64) {
		if len(phases) == 0 || phases[len(phases)-1] != phase {
			phases = append(phases, phase)
		}
	}
	c, err := replica.NewCopy(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	close(stop)
	writing.Wait()
	mustPut(t, from, "last", 1)
	if err := c.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Compare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := dump(t, to, "t", "other"), dump(t, from, "t"); strings.TrimSpace(got) != strings.TrimSpace(want) {
		t.Errorf("the copy has\n%s\nwant\n%s", got, want)
	}
	if r := c.Report(); r.Compared < 60 || !r.Same() {
		t.Errorf("the report is %+v", r)
	}
	if phases[0] != "copying" || phases[len(phases)-1] != "catching up" {
		t.Errorf("it was at %q", phases)
	}
	if err := errors.Join(c.Forget(t.Context()), c.Forget(t.Context())); err != nil {
		t.Error(err)
	}
	if place, err := replica.PlaceOf(t.Context(), to, "copy 1"); err != nil || place != "" {
		t.Errorf("it still knows %q, %v", place, err)
	}
}

// TestCopyFindsDifferences has something write to the target that nobody expected.
func TestCopyFindsDifferences(t *testing.T) {
	t.Parallel()
	another := entry("t", "k", 1, 2)
	another.UpdatedAt = another.UpdatedAt.Add(time.Second)
	for _, tt := range []struct {
		name          string
		held          store.Entry
		extras, ahead bool
		code          store.Code // "": it is as it may be
	}{
		{"ahead", entry("t", "k", 7, 1), false, false, store.TableNotEmpty},
		{"ahead", entry("t", "k", 7, 1), true, false, store.TableNotEmpty},
		{"ahead", entry("t", "k", 7, 1), true, true, ""},
		{"differing", another, true, true, store.Internal},
		{"extra", entry("t", "x", 1, 1), false, false, store.Internal},
		{"extra", entry("t", "x", 1, 1), true, false, ""},
	} {
		from, to := apart(t)
		install(t, from, entry("t", "k", 1, 1))
		install(t, to, tt.held)
		o := copying(from, to)
		o.Extras, o.Ahead = tt.extras, tt.ahead
		c, err := replica.NewCopy(t.Context(), o)
		if err == nil {
			if n := c.Report().Counts[replica.Kind(tt.name)]; n != 1 {
				t.Errorf("%+v: it is told of %d times", tt, n)
			}
			_ = c.Close()
		}
		if code := store.CodeOf(err); (err == nil) != (tt.code == "") || err != nil && (code != tt.code || !strings.Contains(err.Error(), "1 keys") || !strings.Contains(err.Error(), "which is "+tt.name)) {
			t.Errorf("%+v: %v", tt, err)
		}
	}
}

// TestCompareFindsWhatWasMissed has the copy lose something that was written late.
func TestCompareFindsWhatWasMissed(t *testing.T) {
	t.Parallel()
	from, to := apart(t)
	install(t, from, entry("t", "k", 1, 1))
	c, err := replica.NewCopy(t.Context(), copying(from, to))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	install(t, from, entry("t", "k", 2, 2), entry("t", "new", 1, 1)) // that nothing follows any more
	if err := c.Compare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := c.Report(); r.Repaired != 2 || !r.Same() || dump(t, to, "t") == "" {
		t.Errorf("the report is %+v", r)
	}
	install(t, to, entry("t", "new", 5, 1))
	install(t, from, entry("t", "new", 3, 1))
	if err := c.Compare(t.Context()); !errors.Is(err, store.TableNotEmpty) {
		t.Errorf("what is newer in the target: %v", err)
	}
}

// TestCopyEnds has a copy end that can't get on.
func TestCopyEnds(t *testing.T) {
	t.Parallel()
	from, to := apart(t)
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := replica.NewCopy(ctx, copying(from, to)); !errors.Is(err, store.Timeout) {
		t.Errorf("with a target that is closed: %v", err)
	}
}
