package storetest

import (
	"fmt"
	"maps"

	"larder/internal/store"
)

// isAbsent says whether nothing but a name and a version is left.
func isAbsent(e store.Entry) bool {
	bare := store.Entry{Ref: e.Ref, Version: e.Version, Deleted: e.Deleted}
	return !e.Exists() && e.Equal(bare)
}

// compareEntries tells the first difference between two lists, "" for none.
func compareEntries(got, want []store.Entry) string {
	for i := range min(len(got), len(want)) {
		if !got[i].Equal(want[i]) {
			return fmt.Sprintf("entry %d is %s, want %s", i, show(got[i]), show(want[i]))
		}
	}
	if len(got) != len(want) {
		return fmt.Sprintf("%d entries %.200q, want %d %.200q", len(got), keysOf(got), len(want), keysOf(want))
	}
	return ""
}

// sameContent compares what two stores hold for the same writes: everything
// but times, since their clocks differ.
func sameContent(a, b store.Entry) bool {
	return a.Ref == b.Ref && a.Version == b.Version && a.Exists() == b.Exists() &&
		a.Value.Equal(b.Value) && maps.Equal(a.Metadata, b.Metadata) &&
		a.ExpiresAt.IsZero() == b.ExpiresAt.IsZero()
}
