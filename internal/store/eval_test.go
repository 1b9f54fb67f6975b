package store_test

import (
	"bytes"
	"fmt"
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"

	"larder/internal/store"
	"larder/internal/value"
)

var (
	ada     = store.Ref{Table: "users", Key: "ada"}
	noon    = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)
	noonCut = noon.Truncate(time.Microsecond)
)

// written is an entry as a put left it an hour before noon.
func written(text string) store.Entry {
	at := noonCut.Add(-time.Hour)
	return store.Entry{Ref: ada, Value: value.MustParse(text), Version: 3, CreatedAt: at.Add(-time.Hour), UpdatedAt: at, Metadata: map[string]string{"tier": "gold"}}
}

// eval evaluates an operation at noon, within the default limits.
func eval(op store.Op, current store.Entry) (store.Entry, error) {
	op.Ref = ada
	return store.Eval(op, current, noon, store.Limits{})
}

func TestEvalPut(t *testing.T) {
	put := store.Op{Kind: store.Put, Value: value.MustParse(`{"n":2}`), Metadata: map[string]string{"a": "b"}}
	expired := written(`{"n":1}`)
	expired.ExpiresAt = noonCut
	for _, test := range []struct {
		name    string
		current store.Entry
		version int64
		created time.Time
	}{
		{"what was never written", store.Entry{}, 1, noonCut},
		{"what is there", written(`{"n":1}`), 4, written(`{"n":1}`).CreatedAt},
		{"a tombstone", written(`{"n":1}`).Tombstone(noon.Add(-time.Minute)), 5, noonCut},
		{"what has expired", expired, 4, noonCut},
		{"a floor", store.Entry{Ref: ada, Version: 41, Deleted: true}, 42, noonCut},
	} {
		got, err := eval(put, test.current)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		want := store.Entry{Ref: ada, Value: put.Value, Metadata: put.Metadata, Version: test.version, CreatedAt: test.created, UpdatedAt: noonCut}
		if !got.Equal(want) {
			t.Errorf("over %s: got %+v, want %+v", test.name, got, want)
		}
	}
}

func TestEvalDelete(t *testing.T) {
	got, err := eval(store.Op{Kind: store.Delete}, written(`1`))
	want := store.Entry{Ref: ada, Version: 4, UpdatedAt: noonCut, Deleted: true}
	if err != nil || !got.Equal(want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	expired := written(`1`)
	expired.ExpiresAt = noonCut
	for _, nothing := range []store.Entry{{}, want, expired} {
		got, err := eval(store.Op{Kind: store.Delete}, nothing)
		if err != nil || got.Version != nothing.Version || got.Exists() {
			t.Errorf("deleting %+v gave %+v, %v", nothing, got, err)
		}
	}
}

func TestEvalKeepsWhatItDoesNotSet(t *testing.T) {
	current := written(`{"n":1}`)
	current.ExpiresAt = noonCut.Add(time.Hour)
	for _, test := range []struct {
		op   store.Op
		want string
	}{
		{store.Op{Kind: store.Patch, PatchType: store.MergePatch, Patch: []byte(`{"m":2}`)}, `{"m":2,"n":1}`},
		{store.Op{Kind: store.Patch, PatchType: store.JSONPatch, Patch: []byte(`[{"op":"remove","path":"/n"}]`)}, `{}`},
		{store.Op{Kind: store.Increment, Increment: store.Step{Delta: []byte(`2`), Path: value.Pointer{"n"}}}, `{"n":3}`},
	} {
		got, err := eval(test.op, current)
		if err != nil {
			t.Fatalf("%s: %v", test.op.Kind, err)
		}
		want := current
		want.Version, want.UpdatedAt, want.Value = 4, noonCut, value.MustParse(test.want)
		if !got.Equal(want) {
			t.Errorf("%s: got %+v, want %+v", test.op.Kind, got, want)
		}
	}
	got, err := eval(store.Op{Kind: store.Expire, Expiry: store.NeverExpires()}, current)
	if err != nil || !got.ExpiresAt.IsZero() || !got.Value.Equal(current.Value) || !maps.Equal(got.Metadata, current.Metadata) {
		t.Errorf("expire gave %+v, %v", got, err)
	}
}

func TestEvalFails(t *testing.T) {
	object, text, opaque := written(`{"n":"x"}`), written(`"text"`), written(`1`)
	opaque.Value = value.OfBytes([]byte(`{"n":1}`))
	merge := store.Op{Kind: store.Patch, PatchType: store.MergePatch, Patch: []byte(`{}`)}
	add := func(path string) store.Op {
		p, err := value.ParsePointer(path)
		if err != nil {
			t.Fatal(err)
		}
		return store.Op{Kind: store.Increment, Increment: store.Step{Delta: []byte(`1`), Path: p}}
	}
	full := store.Op{Kind: store.Patch, PatchType: store.MergePatch, Patch: fmt.Appendf(nil, `{"a":%q}`, bytes.Repeat([]byte("x"), 1<<20))}
	longer := add("/hits")
	longer.Increment.Initial = []byte(`0`)
	astray := add("/n/m")
	astray.Increment.Initial = []byte(`0`)
	for _, test := range []struct {
		name    string
		op      store.Op
		current store.Entry
		code    store.Code
		field   string
	}{
		{"a patch of nothing", merge, store.Entry{}, store.NotFound, ""},
		{"an increment of nothing", add(""), store.Entry{}, store.NotFound, ""},
		{"an expiry of nothing", store.Op{Kind: store.Expire, Expiry: store.NeverExpires()}, store.Entry{}, store.NotFound, ""},
		{"a patch of bytes", merge, opaque, store.PatchConflict, "patch"},
		{"a patch that grows too large", full, object, store.TooLarge, "patch"},
		{"a patch that does not apply", store.Op{Kind: store.Patch, PatchType: store.JSONPatch, Patch: []byte(`[{"op":"remove","path":"/m"}]`)}, object, store.PatchConflict, "patch"},
		{"a patch that is none", store.Op{Kind: store.Patch, PatchType: store.JSONPatch, Patch: []byte(`{}`)}, object, store.InvalidPatch, "patch"},
		{"an increment of bytes", add("/n"), opaque, store.NotANumber, "path"},
		{"an increment of a string", add("/n"), object, store.NotANumber, "path"},
		{"an increment where nothing is", add("/m"), object, store.NotANumber, "path"},
		{"an increment that grows too large", longer, written(`{"a":"` + string(bytes.Repeat([]byte("x"), 1<<20-10)) + `"}`), store.TooLarge, "value"},
		{"an increment through a string", add("/0"), text, store.NotANumber, "path"},
		{"an increment where there is no way", astray, object, store.NotANumber, "path"},
		{"a ttl of nothing", store.Op{Kind: store.Put, Value: value.MustParse(`1`), Expiry: store.ExpiresIn(0)}, store.Entry{}, store.InvalidTTL, "ttl_seconds"},
		{"an unknown kind", store.Op{Kind: store.Check + 1}, object, store.InvalidOperation, "op"},
	} {
		got, err := eval(test.op, test.current)
		e := store.AsError(err)
		if e == nil || e.Code != test.code || e.Field != test.field || !got.Equal(store.Entry{}) {
			t.Errorf("%s: got %+v, %v, want %s in %q", test.name, got, err, test.code, test.field)
		}
	}
}

func TestEvalIncrementStaysWithinBounds(t *testing.T) {
	for _, test := range []struct {
		start, delta, min, max string
		want                   string // "": out of range
	}{
		{"9007199254740990", "1", "", "", "9007199254740991"},
		{"9007199254740991", "1", "", "", ""},
		{"9007199254740991", "0.1", "", "", ""},
		{"-9007199254740991", "-1", "", "", ""},
		{"0", "1e300", "", "", ""},
		{"1.7e308", "1.7e308", "", "", ""},
		{"1e300", "-1e300", "", "", "0"},
		{"10", "0.1", "", "10", ""},
		{"9.9", "0.1", "", "10", "10"},
		{"1", "-0.9", "0.5", "", ""},
		{"1", "-0.5", "0.5", "", "0.5"},
		{"1", "100", "-1", "99", ""},
		{"1", "-100", "-98", "99", ""},
		{"20", "0", "", "10", ""},
	} {
		op := store.Op{Kind: store.Increment, Increment: store.Step{Delta: []byte(test.delta)}}
		if test.min != "" {
			op.Increment.Min = []byte(test.min)
		}
		if test.max != "" {
			op.Increment.Max = []byte(test.max)
		}
		got, err := eval(op, written(test.start))
		if code := store.CodeOf(err); test.want == "" && code != store.OutOfRange || test.want != "" && string(got.Value.Data) != test.want {
			t.Errorf("%s + %s within [%s, %s]: got %s, %v, want %q", test.start, test.delta, test.min, test.max, got.Value.Data, err, test.want)
		}
	}
}

func TestEvalTimeNeverGoesBack(t *testing.T) {
	current := written(`1`)
	current.UpdatedAt = noonCut.Add(time.Hour) // the clock was set back since
	for _, op := range []store.Op{{Kind: store.Put, Value: value.MustParse(`2`)}, {Kind: store.Delete}, {Kind: store.Expire, Expiry: store.NeverExpires()}} {
		got, err := eval(op, current)
		if err != nil || !got.UpdatedAt.Equal(current.UpdatedAt) {
			t.Errorf("%s: updated at %v, %v, want %v", op.Kind, got.UpdatedAt, err, current.UpdatedAt)
		}
	}
}

// TestEvalAnyOp holds random operations to what is true of all of them.
func TestEvalAnyOp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		op, current := drawOp(t), drawEntry(t)
		before := current
		next, err := eval(op, current)
		if !current.Equal(before) {
			t.Fatalf("%s changed its input to %+v", op.Kind, current)
		}
		again, errAgain := eval(op, current)
		if !next.Equal(again) || store.CodeOf(err) != store.CodeOf(errAgain) {
			t.Fatalf("%s gave first %+v, %v, then %+v, %v", op.Kind, next, err, again, errAgain)
		}
		seen := current.At(noonCut)
		switch {
		case err != nil:
			if store.CodeOf(err).Fault() != store.CallersFault || !next.Equal(store.Entry{}) {
				t.Fatalf("%s failed with %v and gave %+v", op.Kind, err, next)
			}
		case !op.Kind.Writes() || op.Kind == store.Delete && !seen.Exists():
			if seen.Ref = ada; !next.Equal(seen) {
				t.Fatalf("%s gave %+v, want %+v", op.Kind, next, seen)
			}
		default:
			if next.Version != current.Version+1 || next.Ref != ada || next.UpdatedAt.Before(current.UpdatedAt) || next.ExpiredAt(noonCut) || next.Exists() == (op.Kind == store.Delete) {
				t.Fatalf("%s of %+v gave %+v", op.Kind, current, next)
			}
		}
	})
}

func drawOp(t *rapid.T) store.Op {
	numbers := rapid.SampledFrom([][]byte{[]byte(`1`), []byte(`-2.5`), []byte(`9007199254740991`)})
	op := store.Op{Kind: rapid.SampledFrom([]store.Kind{store.Get, store.Put, store.Patch, store.Increment, store.Expire, store.Delete, store.Check}).Draw(t, "kind")}
	switch op.Kind {
	case store.Put:
		op.Value = value.MustParse(`{"n":7}`)
	case store.Patch:
		op.PatchType = rapid.SampledFrom([]store.PatchType{store.MergePatch, store.JSONPatch}).Draw(t, "type")
		op.Patch = rapid.SampledFrom([][]byte{[]byte(`{"n":null}`), []byte(`[]`), []byte(`[{"op":"remove","path":"/n"}]`)}).Draw(t, "patch")
	case store.Increment:
		op.Increment = store.Step{Delta: numbers.Draw(t, "delta"), Path: rapid.SampledFrom([]value.Pointer{nil, {"n"}, {"m", "o"}}).Draw(t, "path")}
		if rapid.Bool().Draw(t, "has initial") {
			op.Increment.Initial = numbers.Draw(t, "initial")
		}
	}
	op.Expiry = rapid.SampledFrom([]store.Expiry{{}, store.KeepExpiry(), store.NeverExpires(), store.ExpiresIn(time.Hour), store.ExpiresIn(-1), store.ExpiresAt(noon.Add(time.Minute)), store.ExpiresAt(noon)}).Draw(t, "expiry")
	op.If = rapid.SampledFrom([]store.Precondition{{}, {Absent: true}, {Exists: true}, store.IfVersion(3), store.IfVersion(4)}).Draw(t, "precondition")
	return op
}

func drawEntry(t *rapid.T) store.Entry {
	if rapid.IntRange(0, 4).Draw(t, "never written") == 0 {
		return store.Entry{}
	}
	e := written(rapid.SampledFrom([]string{`1`, `{"n":1}`, `"text"`, `{"m":{"o":-1}}`, `[1]`, `null`}).Draw(t, "value"))
	if rapid.IntRange(0, 4).Draw(t, "bytes") == 0 {
		e.Value = value.OfBytes([]byte{1})
	}
	e.ExpiresAt = rapid.SampledFrom([]time.Time{{}, noonCut.Add(time.Hour), noonCut, noonCut.Add(-time.Minute)}).Draw(t, "expires")
	if rapid.IntRange(0, 4).Draw(t, "deleted") == 0 {
		return e.Tombstone(noonCut.Add(-time.Minute))
	}
	return e
}

func TestEvalIncrementMakesWay(t *testing.T) {
	op := store.Op{Kind: store.Increment, Increment: store.Step{Delta: []byte(`2`), Initial: []byte(`0.5`)}}
	for _, test := range []struct {
		path value.Pointer
		want string
	}{
		{nil, `2.5`},
		{value.Pointer{"hits"}, `{"hits":2.5}`},
		{value.Pointer{"a", "b/c", "0"}, `{"a":{"b/c":{"0":2.5}}}`},
	} {
		op.Increment.Path = test.path
		got, err := eval(op, store.Entry{})
		if err != nil || string(got.Value.Data) != test.want {
			t.Errorf("at %q: got %s, %v, want %s", test.path, got.Value.Data, err, test.want)
		}
	}
}
