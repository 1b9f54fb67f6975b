package boltstore

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"larder/internal/store"
	"larder/internal/value"
)

// entries draws entries as a store may hold them.
func entries() *rapid.Generator[store.Entry] {
	times := rapid.Custom(func(t *rapid.T) time.Time {
		return timeFromMicros(rapid.Int64Range(-1<<52, 1<<52).Draw(t, "µs"))
	})
	return rapid.Custom(func(t *rapid.T) store.Entry {
		e := store.Entry{
			Ref:       store.Ref{Table: "t", Key: "k"},
			Version:   rapid.Int64Range(1, 1<<62).Draw(t, "version"),
			UpdatedAt: times.Draw(t, "updated"),
			Deleted:   rapid.Bool().Draw(t, "deleted"),
		}
		if e.Deleted {
			return e
		}
		e.CreatedAt = times.Draw(t, "created")
		if rapid.Bool().Draw(t, "expires") {
			e.ExpiresAt = times.Draw(t, "end")
		}
		e.Metadata = rapid.MapOfN(rapid.StringMatching(`[a-z*][a-z0-9_.*-]{0,9}`), rapid.String(), 0, 5).Draw(t, "metadata")
		if rapid.Bool().Draw(t, "bytes") {
			e.Value = value.OfBytes(rapid.SliceOf(rapid.Byte()).Draw(t, "value"))
		} else {
			e.Value = value.MustParse(`{"a": [1, "two", null]}`)
		}
		return e
	})
}

func TestRecordsComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := entries().Draw(t, "entry")
		sequence := rapid.Int64Range(1, 1<<62).Draw(t, "sequence")
		r, err := decodeRecord(encodeRecord(&e, sequence))
		if err != nil {
			t.Fatal(err)
		}
		if got := r.entry(e.Ref); !got.Equal(e) {
			t.Errorf("got %+v, want %+v", got, e)
		}
		if r.sequence != sequence {
			t.Errorf("got sequence %d, want %d", r.sequence, sequence)
		}
	})
}

func TestShortenedRecordsAreErrors(t *testing.T) {
	e := store.Entry{
		Version: 300, CreatedAt: time.Now(), UpdatedAt: time.Now(), ExpiresAt: time.Now(),
		Metadata: map[string]string{"tier": "gold", "name": strings.Repeat("x", 200)},
	}
	whole := encodeRecord(&e, 1<<40)
	for n := range whole {
		if _, err := decodeRecord(whole[:n]); err == nil {
			t.Errorf("%d of %d bytes were taken for a record", n, len(whole))
		}
	}
}

// FuzzRecord shows that no bytes make the decoder panic, and that what it takes
// for a record is one.
func FuzzRecord(f *testing.F) {
	e := store.Entry{Version: 1, UpdatedAt: time.Unix(1, 0), CreatedAt: time.Unix(1, 0), ExpiresAt: time.Unix(2, 0), Metadata: map[string]string{"a": "b"}, Value: value.MustParse("1")}
	f.Add(encodeRecord(&e, 7))
	f.Add(encodeRecord(&store.Entry{Version: 2, Deleted: true}, 8))
	f.Add([]byte{recordFormat, flagMetadata, 1, 1, 1, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRecord(b)
		if err != nil {
			return
		}
		ref := store.Ref{Table: "t", Key: "k"}
		e := r.entry(ref)
		again, err := decodeRecord(encodeRecord(&e, r.sequence))
		if err != nil {
			t.Fatalf("%x came to an entry that can't be written: %v", b, err)
		}
		if got := again.entry(ref); !got.Equal(e) {
			t.Errorf("got %+v, want %+v", got, e)
		}
	})
}
