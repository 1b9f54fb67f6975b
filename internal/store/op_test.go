package store_test

import (
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/value"
)

func TestKindNames(t *testing.T) {
	for kind, name := range map[store.Kind]string{store.Get: "get", store.Put: "put", store.Patch: "patch", store.Increment: "increment", store.Expire: "expire", store.Delete: "delete", store.Check: "check"} {
		if kind.String() != name {
			t.Errorf("%d is %q, want %q", kind, kind, name)
		}
		if parsed, ok := store.ParseKind(name); !ok || parsed != kind {
			t.Errorf("%q is read as %v, %v", name, parsed, ok)
		}
		if writes := name != "get" && name != "check"; kind.Writes() != writes {
			t.Errorf("%s writes: %v", name, kind.Writes())
		}
	}
	for _, name := range []string{"", "GET", "merge", "get "} {
		if kind, ok := store.ParseKind(name); ok {
			t.Errorf("%q is read as %v", name, kind)
		}
	}
	if name := store.Kind(200).String(); name != "" {
		t.Errorf("an unknown kind is called %q", name)
	}
}

func TestPrecondition(t *testing.T) {
	there, gone := written(`1`), written(`1`).Tombstone(noon)
	expired := written(`1`)
	expired.ExpiresAt = noonCut
	for _, test := range []struct {
		name    string
		p       store.Precondition
		current store.Entry
		code    store.Code
	}{
		{"none, there", store.Precondition{}, there, ""},
		{"none, never written", store.Precondition{}, store.Entry{}, ""},
		{"absent, there", store.Precondition{Absent: true}, there, store.AlreadyExists},
		{"absent, never written", store.Precondition{Absent: true}, store.Entry{}, ""},
		{"absent, gone", store.Precondition{Absent: true}, gone, ""},
		{"absent, expired", store.Precondition{Absent: true}, expired, ""},
		{"exists, there", store.Precondition{Exists: true}, there, ""},
		{"exists, gone", store.Precondition{Exists: true}, gone, store.NotFound},
		{"exists, expired", store.Precondition{Exists: true}, expired, store.NotFound},
		{"version, there", store.IfVersion(3), there, ""},
		{"another version, there", store.IfVersion(2), there, store.VersionMismatch},
		{"version, gone", store.IfVersion(4), gone, store.NotFound},
		{"version, expired", store.IfVersion(3), expired, store.NotFound},
		{"version 0, never written", store.IfVersion(0), store.Entry{}, store.NotFound},
		{"one of several, there", store.Precondition{Versions: []int64{1, 3}}, there, ""},
		{"none of several, there", store.Precondition{Versions: []int64{1, 2}}, there, store.VersionMismatch},
		{"exists and version, there", store.Precondition{Exists: true, Versions: []int64{3}}, there, ""},
	} {
		_, err := eval(store.Op{Kind: store.Check, If: test.p}, test.current)
		if store.CodeOf(err) != test.code {
			t.Errorf("%s: got %v, want %q", test.name, err, test.code)
		}
		if err == nil {
			continue
		}
		e := store.AsError(err)
		if !e.Precondition || e.Current == nil || e.Current.Exists() != test.current.At(noonCut).Exists() || e.Ref != ada {
			t.Errorf("%s: the failure is %+v", test.name, e)
		}
	}
	if !(store.Precondition{}).IsZero() || store.IfVersion(0).IsZero() || (store.Precondition{Absent: true}).IsZero() {
		t.Error("a precondition is zero if it asks for nothing, and only then")
	}
}

func TestOpValidate(t *testing.T) {
	valid := store.Op{Kind: store.Put, Ref: ada, Value: value.MustParse(`1`)}
	with := func(change func(op *store.Op)) store.Op {
		op := valid
		change(&op)
		return op
	}
	step := func(s store.Step) store.Op { return store.Op{Kind: store.Increment, Ref: ada, Increment: s} }
	one := []byte(`1`)
	for _, test := range []struct {
		name  string
		op    store.Op
		code  store.Code
		field string
	}{
		{"a put", valid, "", ""},
		{"no kind", with(func(op *store.Op) { op.Kind = 0 }), store.InvalidOperation, "op"},
		{"an unknown kind", with(func(op *store.Op) { op.Kind = store.Check + 1 }), store.InvalidOperation, "op"},
		{"no table", with(func(op *store.Op) { op.Ref.Table = "" }), store.InvalidTable, "table"},
		{"no key", with(func(op *store.Op) { op.Ref.Key = "" }), store.InvalidKey, "key"},
		{"no value", with(func(op *store.Op) { op.Value = value.Value{} }), store.InvalidOperation, "value"},
		{"empty bytes", with(func(op *store.Op) { op.Value = value.OfBytes(nil) }), "", ""},
		{"as large as can be", with(func(op *store.Op) { op.Value = value.OfBytes(make([]byte, 1<<20)) }), "", ""},
		{"too large", with(func(op *store.Op) { op.Value = value.OfBytes(make([]byte, 1<<20+1)) }), store.TooLarge, "value"},
		{"bad metadata", with(func(op *store.Op) { op.Metadata = map[string]string{"A": ""} }), store.InvalidMetadata, "metadata"},
		{"absent and there", with(func(op *store.Op) { op.If = store.Precondition{Absent: true, Exists: true} }), store.InvalidOperation, "precondition"},
		{"absent and a version", with(func(op *store.Op) { op.If = store.Precondition{Absent: true, Versions: []int64{1}} }), store.InvalidOperation, "precondition"},
		{"a check of nothing", store.Op{Kind: store.Check, Ref: ada}, store.InvalidOperation, "precondition"},
		{"a get", store.Op{Kind: store.Get, Ref: ada}, "", ""},
		{"a delete", store.Op{Kind: store.Delete, Ref: ada}, "", ""},
		{"an expire without an end", store.Op{Kind: store.Expire, Ref: ada}, store.InvalidTTL, "ttl_seconds"},
		{"an expire that keeps the end", store.Op{Kind: store.Expire, Ref: ada, Expiry: store.KeepExpiry()}, store.InvalidTTL, "ttl_seconds"},
		{"an expire", store.Op{Kind: store.Expire, Ref: ada, Expiry: store.ExpiresIn(time.Hour)}, "", ""},
		{"a patch", store.Op{Kind: store.Patch, Ref: ada, Patch: []byte(`[]`), PatchType: store.JSONPatch}, "", ""},
		{"a patch without a document", store.Op{Kind: store.Patch, Ref: ada, PatchType: store.MergePatch}, store.InvalidPatch, "patch"},
		{"a patch without a type", store.Op{Kind: store.Patch, Ref: ada, Patch: []byte(`{}`)}, store.InvalidPatch, "patch"},
		{"an increment", step(store.Step{Delta: one, Initial: one, Min: one, Max: one}), "", ""},
		{"no delta", step(store.Step{}), store.InvalidOperation, "delta"},
		{"a delta that is no number", step(store.Step{Delta: []byte(`"1"`)}), store.InvalidOperation, "delta"},
		{"an initial that is no number", step(store.Step{Delta: one, Initial: []byte(`null`)}), store.InvalidOperation, "initial"},
		{"a min that is no number", step(store.Step{Delta: one, Min: []byte(`[]`)}), store.InvalidOperation, "min"},
		{"a max that is no number", step(store.Step{Delta: one, Max: []byte(`true`)}), store.InvalidOperation, "max"},
		{"a min above the max", step(store.Step{Delta: one, Min: []byte(`0.11`), Max: []byte(`0.1`)}), store.InvalidOperation, "min"},
	} {
		err := test.op.Validate(store.Limits{}.WithDefaults())
		field := ""
		if e := store.AsError(err); e != nil {
			field = e.Field
		}
		if store.CodeOf(err) != test.code || field != test.field {
			t.Errorf("%s: got %v in %q, want %q in %q", test.name, err, field, test.code, test.field)
		}
	}
}
