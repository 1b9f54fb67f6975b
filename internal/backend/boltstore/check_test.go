package boltstore

import (
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"larder/internal/store"
	"larder/internal/value"
)

// TestCheckFindsEveryFault breaks each thing that Check is to hold.
func TestCheckFindsEveryFault(t *testing.T) {
	bucket := func(tx *bolt.Tx, a area) *bolt.Bucket { return tableBucket(tx, a, "t") }
	first := func(b *bolt.Bucket) []byte { k, _ := b.Cursor().First(); return k }
	state := func(tx *bolt.Tx, change func(t *tableState)) error {
		s, err := readTable(tx, "t")
		if err != nil {
			return err
		}
		change(&s)
		return tx.Bucket(tablesBucket).Put([]byte("t"), s.encode())
	}
	for name, test := range map[string]struct {
		harm func(tx *bolt.Tx) error
		says string
	}{
		"a change is missing": {
			func(tx *bolt.Tx) error { b := bucket(tx, changesArea); return b.Delete(first(b)) }, "order of change lacks",
		},
		"a change too many": {
			func(tx *bolt.Tx) error {
				_, v := bucket(tx, changesArea).Cursor().First()
				return bucket(tx, changesArea).Put(sequenceKey(99), v)
			}, "changes, where",
		},
		"a change of another key": {
			func(tx *bolt.Tx) error {
				k, v := bucket(tx, changesArea).Cursor().First()
				at, _, err := splitTimedKey(v)
				if err != nil {
					return err
				}
				return bucket(tx, changesArea).Put(k, timedKey(at, "ends"))
			}, "order of change has",
		},
		"times go back": {
			func(tx *bolt.Tx) error {
				b := bucket(tx, changesArea)
				return b.Put(first(b), timedKey(0, "k1"))
			}, "was updated at",
		},
		"an expiry is missing": {
			func(tx *bolt.Tx) error { b := bucket(tx, expiryArea); return b.Delete(first(b)) }, "order of expiry lacks",
		},
		"an expiry too many": {
			func(tx *bolt.Tx) error { return bucket(tx, expiryArea).Put(timedKey(1, "k1"), []byte{}) }, "expiring entries",
		},
		"a tombstone is missing": {
			func(tx *bolt.Tx) error { b := bucket(tx, tombstonesArea); return b.Delete(first(b)) }, "order of tombstones lacks",
		},
		"a tombstone too many": {
			func(tx *bolt.Tx) error { return bucket(tx, tombstonesArea).Put(sequenceKey(1), timedKey(0, "k1")) }, "tombstones in order",
		},
		"an entry is gone": {
			func(tx *bolt.Tx) error { return bucket(tx, entriesArea).Delete([]byte("k1")) }, "live entries",
		},
		"entries are miscounted": {
			func(tx *bolt.Tx) error { return state(tx, func(s *tableState) { s.live++ }) }, "live entries",
		},
		"tombstones are miscounted": {
			func(tx *bolt.Tx) error { return state(tx, func(s *tableState) { s.tombstones-- }) }, "tombstones",
		},
		"a table is unknown": {
			func(tx *bolt.Tx) error { return tx.Bucket(tablesBucket).Delete([]byte("t")) }, "belongs to no table",
		},
		"a sequence from ahead": {
			func(tx *bolt.Tx) error { return tx.Bucket(metaBucket).Put(stateKey, fileState{sequence: 1}.encode()) }, "has sequence",
		},
		"an entry is garbled": {
			func(tx *bolt.Tx) error { return bucket(tx, entriesArea).Put([]byte("k1"), []byte{recordFormat, 0xff}) }, "flags",
		},
		"an index lacks an entry": {
			func(tx *bolt.Tx) error { b := tx.Bucket(indexBucketName(1)); return b.Delete(first(b)) }, "missing in index",
		},
		"an index has one too many": {
			func(tx *bolt.Tx) error {
				return tx.Bucket(indexBucketName(1)).Put([]byte("dangling"), []byte{0, 1})
			}, "entries in index",
		},
		"an index is miscounted": {
			func(tx *bolt.Tx) error {
				p := progress{ready: true, entries: 7}
				return tx.Bucket(indexesBucket).Put(progressKey(1), p.encode())
			}, "counted in index",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			s.index(store.Index{Name: "n", Fields: numberField("n")})
			s.apply(put("k1", `{"n":1}`), put("k2", `{"n":2}`))
			s.apply(store.Op{Kind: store.Put, Ref: ref("ends"), Value: value.MustParse("1"), Expiry: store.ExpiresIn(time.Hour)})
			s.apply(remove("k2"))
			if err := s.Check(t.Context()); err != nil {
				t.Fatalf("before: %v", err)
			}
			if err := s.file.Load().db.Update(test.harm); err != nil {
				t.Fatal(err)
			}
			err := s.Check(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want it to say %q", err, test.says)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestReadingADamagedPage has bbolt find a page that it can't read: an error,
// not a panic.
func TestReadingADamagedPage(t *testing.T) {
	s := open(t)
	err := s.view(func(*bolt.Tx) error { panic("page 7: invalid page type") })
	fails(t, "reading", err, store.Internal)
	says(t, store.AsError(err).Detail, "damaged", "backup")
	if err := s.file.Load().db.Update(func(tx *bolt.Tx) error { return nil }); err != nil {
		t.Errorf("the transaction was left open: %v", err)
	}
}

func TestInspect(t *testing.T) {
	s := open(t, func(o *Options) { o.NoSync = false })
	fill(t, s.Store, "t", 1000)
	s.apply(remove("key0000001"))
	s.index(store.Index{Name: "age", Fields: numberField("age")})
	inspection, err := s.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	says(t, inspection.Durability, "synced", "survives")
	if got := inspection.Details["file"]; got != "larder.db" {
		t.Errorf("the file is called %q, want its base name only", got)
	}
	want := map[string]func(v float64) bool{
		"file_bytes":            func(v float64) bool { return v == float64(sizeOf(s.options.Path)) },
		"free_bytes":            func(v float64) bool { return v > 0 },
		"entries":               func(v float64) bool { return v == 999 },
		"tombstones":            func(v float64) bool { return v == 1 },
		"index_entries":         func(v float64) bool { return v == 999 },
		"sequence":              func(v float64) bool { return v == 1001 },
		"commits_total":         func(v float64) bool { return v >= 4 },
		"commit_requests_total": func(v float64) bool { return v >= 4 },
		"written_entries_total": func(v float64) bool { return v == 1001 },
		"reaped_total":          func(v float64) bool { return v == 0 },
	}
	for _, f := range inspection.Figures {
		if holds := want[f.Name]; holds == nil || !holds(f.Value) {
			t.Errorf("%s is %v", f.Name, f.Value)
		}
		if f.Help == "" || strings.HasSuffix(f.Name, "_total") && !f.Counter {
			t.Errorf("%+v", f)
		}
		delete(want, f.Name)
	}
	if len(want) > 0 {
		t.Errorf("these figures are missing: %v", want)
	}
}
