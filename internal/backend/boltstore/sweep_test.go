package boltstore

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"larder/internal/store"
)

// changeRecords counts what is in table t's order of change.
func (f *fixture) changeRecords() (n int64) {
	f.t.Helper()
	err := f.view(func(tx *bolt.Tx) error {
		n = keys(tableBucket(tx, changesArea, "t"))
		return nil
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return n
}

// TestStaleChangesAreBounded writes the same entries over and over.
func TestStaleChangesAreBounded(t *testing.T) {
	for _, test := range []struct{ entries, batch, rounds int }{{1, 1, 5000}, {3000, 100, 300}, {3000, 997, 30}} {
		t.Run(fmt.Sprint(test), func(t *testing.T) {
			s := open(t)
			fill(t, s.Store, "t", test.entries)
			most := int64(0)
			for i := range test.rounds {
				ops := make([]store.Op, test.batch)
				for j := range ops {
					ops[j] = putOp("t", (i*test.batch+j)*7919%test.entries, 100)
				}
				s.apply(ops...)
				most = max(most, s.changeRecords())
			}
			if bound := int64(max(sweepSlack, test.entries) + test.entries + test.batch); most > 2*bound || most <= int64(test.entries) {
				t.Errorf("there were up to %d records for %d entries, want at most %d", most, test.entries, 2*bound)
			}
		})
	}
}

// TestReadersPassOverStaleChanges has the feed and the scan by change show each
// key once, at its latest, in pages of every size.
func TestReadersPassOverStaleChanges(t *testing.T) {
	s := open(t)
	var want []string // the keys as they were last written
	for i := range 400 {
		key := fmt.Sprintf("k%02d", i*i%53)
		op := put(key, strconv.Itoa(i))
		if i%5 == 0 {
			op = remove(key)
		}
		if s.apply(op)[0].Changed {
			want = append(slices.DeleteFunc(want, func(k string) bool { return k == key }), key)
		}
	}
	if n := s.changeRecords(); n <= int64(len(want)) {
		t.Fatalf("%d records for %d keys: none is stale", n, len(want))
	}
	for _, limit := range []int{1, 2, 3, 7, 1000} {
		for _, prefix := range []string{"", "k1"} {
			var got []string
			c := store.Changes{Table: "t", Prefix: prefix, Limit: limit}
			for {
				feed := s.changes(c)
				for _, change := range feed.Changes {
					got = append(got, change.Key)
				}
				if c.Since = feed.Next; !feed.More {
					break
				}
				if len(feed.Changes) != limit {
					t.Errorf("a page has %d of %d changes, and there are more", len(feed.Changes), limit)
				}
			}
			matching := slices.DeleteFunc(slices.Clone(want), func(k string) bool { return !strings.HasPrefix(k, prefix) })
			if !slices.Equal(got, matching) {
				t.Errorf("limit %d, prefix %q: got %v\nwant %v", limit, prefix, got, matching)
			}
		}
		var got, living []string
		scan := store.Scan{Table: "t", Order: store.ByChange, Limit: limit, ModifiedSince: time.Unix(1, 0)}
		for {
			page, err := s.Scan(t.Context(), scan)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Entries {
				got = append(got, e.Key)
			}
			if scan.After = page.Next; scan.After == "" {
				break
			}
		}
		for _, key := range want {
			if s.get(key).Exists() {
				living = append(living, key)
			}
		}
		if !slices.Equal(got, living) {
			t.Errorf("by change, limit %d: got %v\nwant %v", limit, got, living)
		}
	}
}
