package cacheaside_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/strategy/cacheaside"
)

func TestOldCopiesWhereThePrimaryIsDown(t *testing.T) {
	t.Parallel()
	f := open(t, func(o *cacheaside.Options, _ *cacheaside.LedgerOptions) { o.Staleness = 20 * time.Millisecond })
	f.put("k", 1)
	f.primary.down.Store(true)
	f.primary.deaf.Store(true)
	f.eventually("reads to fail", func() bool {
		_, _, err := f.try("k", recent)
		return errors.Is(err, store.Unavailable)
	})
	e, source := f.get("k", store.Freshness{Recent: true, IfError: time.Minute})
	if e.Version != 1 || source.Copy != "memory" || source.Age <= 20*time.Millisecond {
		t.Errorf("who takes an old copy got %+v by %+v", e, source)
	}
	if e, source := f.get("k", store.Freshness{IfError: time.Minute}); e.Version != 1 || source.Copy != "memory" {
		t.Errorf("who would rather have the newest got %+v by %+v", e, source)
	}
	if _, _, err := f.try("k", store.Freshness{Recent: true, IfError: time.Millisecond}); !errors.Is(err, store.Unavailable) {
		t.Errorf("who takes none so old got %v", err)
	}
	if _, _, err := f.try("other", store.Freshness{Recent: true, IfError: time.Minute}); !errors.Is(err, store.Unavailable) {
		t.Errorf("of what has no copy: %v", err)
	}
	if _, err := f.Apply(t.Context(), store.Batch{Ops: []store.Op{putOf("k", 2)}}); !errors.Is(err, store.Unavailable) {
		t.Errorf("a write gave %v", err)
	}
	if f.Figures().Fallbacks != 2 {
		t.Errorf("%d old copies have been counted", f.Figures().Fallbacks)
	}
}

// A primary that does not answer is waited for a moment where an old copy will do.
func TestPrimaryThatHangs(t *testing.T) {
	t.Parallel()
	f := open(t, func(o *cacheaside.Options, _ *cacheaside.LedgerOptions) { o.Patience = 10 * time.Millisecond })
	f.put("k", 1)
	hold := make(chan struct{})
	f.primary.hold.Store(&hold)
	defer close(hold)
	if e, source := f.get("k", store.Freshness{IfError: time.Minute}); e.Version != 1 || source.Copy != "memory" {
		t.Errorf("who would rather have the newest got %+v by %+v", e, source)
	}
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := f.Get(store.WithFreshness(short, store.Freshness{}), []store.Ref{refOf("k")}); err == nil {
		t.Error("who takes the newest only was answered")
	}
}

// However the cache fails, reads and writes go on, and it is left alone for a while.
func TestCacheThatFails(t *testing.T) {
	t.Parallel()
	f := open(t, func(o *cacheaside.Options, _ *cacheaside.LedgerOptions) {
		o.MemoryBytes, o.PutTimeout = -1, 5*time.Millisecond
	})
	f.cache.mute.Store(true)
	for n := range 20 {
		f.put("k", n)
		if e, _ := f.get("k", recent); e.Version != int64(n+1) {
			t.Fatalf("version %d reads as %d", n+1, e.Version)
		}
	}
	f.eventually("the cache to be left alone", func() bool {
		f.get("k", recent)
		return f.Figures().CacheResting
	})
	f.cache.mute.Store(false)
	f.eventually("the cache to answer again", func() bool {
		f.put("k", 1)
		_, source := f.get("k", recent)
		return source.Copy == "b" && !f.Figures().CacheResting
	})
	if f.Figures().CacheFailures == 0 {
		t.Error("no failure was counted")
	}
}
