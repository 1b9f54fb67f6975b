package store_test

import (
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/value"
)

func TestLimitsWithDefaults(t *testing.T) {
	want := store.Limits{MaxValueBytes: 1 << 20, MaxDepth: 128, MaxOperations: 1000, MaxPage: 1000, ScanBudget: 250_000}
	if got := (store.Limits{}).WithDefaults(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	set := store.Limits{MaxValueBytes: 1, MaxDepth: 2, MaxOperations: 3, MaxPage: 4, ScanBudget: 5}
	if got := set.WithDefaults(); got != set {
		t.Errorf("got %+v, want %+v", got, set)
	}
	if got := set.Values(); got != (value.Limits{MaxBytes: 1, MaxDepth: 2}) {
		t.Errorf("got %+v", got)
	}
}

func TestRetentionWithDefaults(t *testing.T) {
	if got := (store.Retention{}).WithDefaults(); got != (store.Retention{Tombstones: 7 * 24 * time.Hour, Interval: time.Second}) {
		t.Errorf("got %+v", got)
	}
	set := store.Retention{Tombstones: time.Hour, Interval: time.Minute}
	if got := set.WithDefaults(); got != set {
		t.Errorf("got %+v, want %+v", got, set)
	}
}
