package catalog_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"larder/internal/catalog"
	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/value"
)

func open(t *testing.T, s store.Store) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Open(t.Context(), s, catalog.Options{Pause: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func eventually(t *testing.T, what string, isSo func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !isSo() {
		select {
		case <-ctx.Done():
			t.Fatalf("in vain: %s", what)
		case <-tick.C:
		}
	}
}

var strict = catalog.Settings{DefaultTTL: time.Minute, RequirePreconditions: true}

func put(key string) store.Op {
	return store.Op{Kind: store.Put, Ref: store.Ref{Table: "t", Key: key}, Value: value.MustParse(`1`)}
}

func TestSettingsCountAtOnceAndElsewhereSoon(t *testing.T) {
	s := storetest.NewModel(storetest.ModelOptions{})
	here, there := open(t, s), open(t, s)
	made, err := here.Put(t.Context(), "t", strict)
	if err != nil || !made || here.Of("t") != strict {
		t.Fatalf("made %v, %v: %+v", made, err, here.Of("t"))
	}
	eventually(t, "the other has them", func() bool { return there.Of("t") == strict })
	later := open(t, s)
	if later.Of("t") != strict {
		t.Errorf("one opened later has %+v", later.Of("t"))
	}
	if made, err := there.Put(t.Context(), "t", catalog.Settings{}); err != nil || made {
		t.Fatalf("made again: %v, %v", made, err)
	}
	eventually(t, "the first has none any more", func() bool { return here.Of("t") == catalog.Settings{} })
	if _, err := here.Get(t.Context(), "t"); err != nil {
		t.Errorf("settings that ask for nothing are settings: %v", err)
	}
}

func TestPrepare(t *testing.T) {
	c := open(t, storetest.NewModel(storetest.ModelOptions{}))
	if _, err := c.Put(t.Context(), "t", strict); err != nil {
		t.Fatal(err)
	}
	ops := []store.Op{put("a"), put("b"), {Kind: store.Get, Ref: store.Ref{Table: "t", Key: "c"}}, {Kind: store.Delete, Ref: store.Ref{Table: "t", Key: "d"}}, {Kind: store.Delete, Ref: store.Ref{Table: "u", Key: "d"}}}
	ops[1].If = store.IfVersion(1)
	err := c.Prepare(ops)
	e := store.AsError(err)
	if e == nil || e.Code != store.BatchFailed || len(e.Failures) != 2 || e.Failures[0].Index != 0 || e.Failures[1].Index != 3 {
		t.Fatalf("prepared with %+v", e)
	}
	for _, f := range e.Failures {
		if f.Err.Code != store.PreconditionRequired {
			t.Errorf("operation %d: %v", f.Index, f.Err)
		}
	}
	if err := c.Prepare(ops[:1]); !errors.Is(err, store.PreconditionRequired) {
		t.Errorf("alone it is %v", err)
	}
	increment := []store.Op{{Kind: store.Increment, Ref: store.Ref{Table: "t", Key: "n"}}}
	if err := c.Prepare(increment); err != nil || increment[0].DefaultTTL != time.Minute {
		t.Errorf("an increment: %v, default ttl %v", err, increment[0].DefaultTTL)
	}
	if ops[1].DefaultTTL != time.Minute || ops[2].DefaultTTL != 0 || ops[4].DefaultTTL != 0 {
		t.Errorf("default ttls %v, %v, %v", ops[1].DefaultTTL, ops[2].DefaultTTL, ops[4].DefaultTTL)
	}
}

func TestBadSettingsAreRefused(t *testing.T) {
	c := open(t, storetest.NewModel(storetest.ModelOptions{}))
	for _, ttl := range []time.Duration{-time.Second, time.Millisecond, 1500 * time.Millisecond, store.MaxTTL + time.Second} {
		if _, err := c.Put(t.Context(), "t", catalog.Settings{DefaultTTL: ttl}); !errors.Is(err, store.InvalidTTL) {
			t.Errorf("%v: %v", ttl, err)
		}
	}
	if _, err := c.Put(t.Context(), "no table", strict); !errors.Is(err, store.InvalidTable) {
		t.Errorf("a bad name: %v", err)
	}
	if _, err := c.Get(t.Context(), "t"); !errors.Is(err, store.NotFound) {
		t.Errorf("and then there is %v", err)
	}
}

func TestListAndDrop(t *testing.T) {
	s := storetest.NewModel(storetest.ModelOptions{})
	c := open(t, s)
	if _, err := c.Put(t.Context(), "a", strict); err != nil {
		t.Fatal(err)
	}
	ops := []store.Op{put("1"), put("2")}
	if _, err := s.Apply(t.Context(), store.Batch{Ops: ops}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutIndex(t.Context(), "t", store.Index{Name: "i", Fields: []store.IndexField{{Path: value.Pointer{"n"}, Type: store.NumberField}}}); err != nil {
		t.Fatal(err)
	}
	all, _, err := c.List(t.Context())
	if err != nil || len(all) != 2 || all[0].Name != "a" || all[0].Settings != strict || all[1].Name != "t" || all[1].Entries != 2 {
		t.Fatalf("listed %+v, %v", all, err)
	}
	for _, table := range []string{"a", "t"} {
		if err := c.Drop(t.Context(), table); err != nil {
			t.Fatal(err)
		}
		if err := c.Drop(t.Context(), table); !errors.Is(err, store.NotFound) {
			t.Errorf("dropped twice: %v", err)
		}
	}
	if all, _, err := c.List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("in the end there is %+v, %v", all, err)
	}
	if indexes, err := s.Indexes(t.Context(), "t"); err != nil || len(indexes) != 0 {
		t.Errorf("in the end there are the indexes %+v, %v", indexes, err)
	}
	results, err := s.Apply(t.Context(), store.Batch{Ops: ops[:1]})
	if err != nil || results[0].Entry.Version != 3 {
		t.Errorf("written again it is %+v, %v", results, err)
	}
}

// TestSettingsThatCannotBeRead keeps what was known before, and says nothing
// else of the table.
func TestSettingsThatCannotBeRead(t *testing.T) {
	s := storetest.NewModel(storetest.ModelOptions{})
	c := open(t, s)
	for _, table := range []string{"t", "u"} {
		if _, err := c.Put(t.Context(), table, strict); err != nil {
			t.Fatal(err)
		}
	}
	spoil := store.Op{Kind: store.Put, Ref: store.Ref{Table: catalog.Table, Key: "t"}, Value: value.MustParse(`"nonsense"`)}
	if _, err := s.Apply(t.Context(), store.Batch{Ops: []store.Op{spoil}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Put(t.Context(), "u", catalog.Settings{}); err != nil {
		t.Fatal(err)
	}
	other := open(t, s)
	eventually(t, "the feed has come", func() bool { return other.Of("u") == catalog.Settings{} && c.Of("u") == catalog.Settings{} })
	if c.Of("t") != strict {
		t.Errorf("there is %+v", c.Of("t"))
	}
}

// lossy is a store whose feed forgets, and which can be away.
type lossy struct {
	*storetest.Model
	forgot chan struct{} // holds one for each time the feed has forgotten
	fails  chan error    // what the next calls fail with
}

func (l *lossy) Changes(ctx context.Context, c store.Changes) (store.Feed, error) {
	select {
	case err := <-l.fails:
		return store.Feed{}, err
	default:
	}
	if c.Since != "" {
		select {
		case <-l.forgot:
			return store.Feed{}, &store.Error{Code: store.Compacted}
		default:
		}
	}
	c.Wait = min(c.Wait, time.Millisecond)
	return l.Model.Changes(ctx, c)
}

func TestFollowingGoesOn(t *testing.T) {
	l := &lossy{storetest.NewModel(storetest.ModelOptions{}), make(chan struct{}, 1), make(chan error, 3)}
	c, other := open(t, l), open(t, l.Model)
	for range 3 {
		l.fails <- &store.Error{Code: store.Unavailable}
	}
	if _, err := other.Put(t.Context(), "t", strict); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the settings come after the failures", func() bool { return c.Of("t") == strict })
	if err := other.Drop(t.Context(), "t"); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Put(t.Context(), "u", strict); err != nil {
		t.Fatal(err)
	}
	l.forgot <- struct{}{}
	eventually(t, "all is read anew", func() bool { return len(l.forgot) == 0 && c.Of("t") == catalog.Settings{} && c.Of("u") == strict })
}

func TestOpenFailsWhereSettingsCannotBeRead(t *testing.T) {
	l := &lossy{storetest.NewModel(storetest.ModelOptions{}), nil, make(chan error, 1)}
	l.fails <- &store.Error{Code: store.Unavailable}
	if _, err := catalog.Open(t.Context(), l, catalog.Options{}); !errors.Is(err, store.Unavailable) {
		t.Errorf("opened with %v", err)
	}
}
