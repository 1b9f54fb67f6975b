package httpapi

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"larder/internal/store"
	"larder/internal/value"
)

func TestEntriesByHandAreWhatTheFormSays(t *testing.T) {
	at := rapid.Custom(func(t *rapid.T) time.Time {
		return time.UnixMicro(rapid.Int64Range(0, 1<<52).Draw(t, "µs")).UTC()
	})
	rapid.Check(t, func(t *rapid.T) {
		e := store.Entry{
			Ref:     store.Ref{Table: rapid.StringMatching(`[a-z]{1,8}`).Draw(t, "table"), Key: rapid.String().Draw(t, "key")},
			Version: rapid.Int64Min(1).Draw(t, "version"), CreatedAt: at.Draw(t, "created"), UpdatedAt: at.Draw(t, "updated"),
			Metadata: rapid.MapOfN(rapid.StringMatching(`[a-z]{1,4}`), rapid.String(), 0, 3).Draw(t, "metadata"),
		}
		if rapid.Bool().Draw(t, "expires") {
			e.ExpiresAt = at.Draw(t, "expiry")
		}
		switch rapid.IntRange(0, 2).Draw(t, "value") {
		case 1:
			e.Value = value.MustParse(`{"a":[1,"ü",null]}`)
		case 2:
			e.Value = value.OfBytes(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
		}
		byHand, byForm := string(appendEntry(nil, e)), string(encode(newEntry(e)))
		var a, b any
		if err := json.Unmarshal([]byte(byHand), &a); err != nil {
			t.Fatalf("by hand it is no JSON: %v in %s", err, byHand)
		}
		if err := json.Unmarshal([]byte(byForm), &b); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(a, b) || strings.Index(byHand, `"version"`) < strings.Index(byHand, `"key"`) {
			t.Fatalf("by hand  %s\nby the form %s", byHand, byForm)
		}
	})
}
