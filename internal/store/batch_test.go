package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"larder/internal/store"
	"larder/internal/value"
)

func at(kind store.Kind, key string) store.Op {
	op := store.Op{Kind: kind, Ref: store.Ref{Table: "users", Key: key}}
	switch kind {
	case store.Put:
		op.Value = value.MustParse(`1`)
	case store.Check:
		op.If.Exists = true
	}
	return op
}

func TestBatchValidate(t *testing.T) {
	many := make([]store.Op, 1001)
	for i := range many {
		many[i] = at(store.Put, strconv.Itoa(i))
	}
	for _, test := range []struct {
		name string
		ops  []store.Op
		code store.Code
		bad  []int // which operations fail
		why  store.Code
	}{
		{"nothing", nil, store.InvalidOperation, nil, ""},
		{"as many as can be", many[:1000], "", nil, ""},
		{"too many", many, store.TooManyOperations, nil, ""},
		{"one that is wrong", []store.Op{at(store.Put, "..")}, store.InvalidKey, nil, ""},
		{"two of three that are wrong", []store.Op{at(store.Put, ".."), at(store.Put, "a"), at(store.Get, "")}, store.BatchFailed, []int{0, 2}, store.InvalidKey},
		{"two puts", []store.Op{at(store.Put, "a"), at(store.Put, "b"), at(store.Put, "a")}, store.BatchFailed, []int{2}, store.DuplicateKey},
		{"three puts", []store.Op{at(store.Put, "a"), at(store.Put, "a"), at(store.Put, "a")}, store.BatchFailed, []int{1, 2}, store.DuplicateKey},
		{"a read and a write", []store.Op{at(store.Get, "a"), at(store.Delete, "a")}, store.BatchFailed, []int{1}, store.DuplicateKey},
		{"a write and a read", []store.Op{at(store.Delete, "a"), at(store.Check, "a")}, store.BatchFailed, []int{1}, store.DuplicateKey},
		{"two reads and a write", []store.Op{at(store.Get, "a"), at(store.Check, "a"), at(store.Put, "a")}, store.BatchFailed, []int{2}, store.DuplicateKey},
		{"reads", []store.Op{at(store.Get, "a"), at(store.Check, "a"), at(store.Get, "a")}, "", nil, ""},
		{"the same key in another table", []store.Op{at(store.Put, "a"), {Kind: store.Delete, Ref: store.Ref{Table: "others", Key: "a"}}}, "", nil, ""},
	} {
		err := store.Batch{Ops: test.ops}.Validate(store.Limits{})
		if store.CodeOf(err) != test.code {
			t.Errorf("%s: got %v, want %q", test.name, err, test.code)
			continue
		}
		var bad []int
		if err != nil {
			for _, f := range store.AsError(err).Failures {
				bad = append(bad, f.Index)
				if f.Err.Code != test.why {
					t.Errorf("%s: operation %d failed with %v", test.name, f.Index, f.Err)
				}
			}
		}
		if !slices.Equal(bad, test.bad) {
			t.Errorf("%s: the operations %v failed, want %v", test.name, bad, test.bad)
		}
	}
	if err := (store.Batch{Ops: many[:3]}).Validate(store.Limits{MaxOperations: 2}); store.CodeOf(err) != store.TooManyOperations {
		t.Errorf("three operations where two are allowed: %v", err)
	}
}

func TestBatchEval(t *testing.T) {
	ops := []store.Op{at(store.Put, "a"), at(store.Put, "new"), at(store.Get, "b"), at(store.Delete, "none"), at(store.Delete, "c")}
	existing := func(key string) store.Entry {
		e := written(`1`)
		e.Key = key
		return e
	}
	current := []store.Entry{existing("a"), {}, existing("b"), {}, existing("c")}
	expired := existing("new")
	expired.ExpiresAt = noonCut
	for _, before := range []store.Entry{{}, expired, expired.Tombstone(noonCut)} {
		current[1] = before
		results, err := store.Batch{Ops: ops}.Eval(current, noon, store.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []struct{ changed, created, exists bool }{{true, false, true}, {true, true, true}, {false, false, true}, {false, false, false}, {true, false, false}} {
			if r := results[i]; r.Changed != want.changed || r.Created != want.created || r.Entry.Exists() != want.exists || r.Entry.Ref != ops[i].Ref {
				t.Errorf("operation %d on %+v: got %+v, want %+v", i, current[i], r, want)
			}
		}
	}

	ops[0].If.Absent, ops[3].If.Exists = true, true
	results, err := store.Batch{Ops: ops}.Eval(current, noon, store.Limits{})
	failures := store.FailuresOf(err, store.Batch{Ops: ops})
	if results != nil || !errors.Is(err, store.BatchFailed) || len(failures) != 2 || failures[0].Index != 0 || failures[0].Err.Code != store.AlreadyExists || failures[1].Index != 3 || failures[1].Err.Code != store.NotFound {
		t.Errorf("got %+v, %v with %+v", results, err, failures)
	}
	if _, err := (store.Batch{Ops: ops[:1]}).Eval(current[:1], noon, store.Limits{}); store.CodeOf(err) != store.AlreadyExists {
		t.Errorf("a batch of one failed with %v", err)
	}
}

func TestBatchFail(t *testing.T) {
	unique := &store.Error{Code: store.UniqueViolation, Ref: ada}
	two := store.Batch{Ops: []store.Op{at(store.Put, "a"), at(store.Put, "b")}}
	e := store.AsError(two.Fail(1, fmt.Errorf("wrapped: %w", unique)))
	if e.Code != store.BatchFailed || e.Ref != ada || len(e.Failures) != 1 || e.Failures[0].Index != 1 || e.Failures[0].Err != unique {
		t.Errorf("in a batch of two: %+v", e)
	}
	if err := (store.Batch{Ops: two.Ops[:1]}).Fail(0, unique); store.CodeOf(err) != store.UniqueViolation {
		t.Errorf("in a batch of one: %v", err)
	}
	for _, err := range []error{&store.Error{Code: store.Unavailable}, errors.New("disk on fire")} {
		if got := two.Fail(1, err); !errors.Is(got, err) || store.CodeOf(got) == store.BatchFailed {
			t.Errorf("what is no fault of an operation became %v", got)
		}
	}
	if err := two.Failed(nil); err != nil {
		t.Errorf("no failures make %v", err)
	}
}

func TestBatchRefs(t *testing.T) {
	b := store.Batch{Ops: []store.Op{at(store.Put, "b"), at(store.Get, "a"), at(store.Get, "a")}}
	want := []store.Ref{{Table: "users", Key: "b"}, {Table: "users", Key: "a"}, {Table: "users", Key: "a"}}
	if got := b.Refs(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestBatchElsewhere(t *testing.T) {
	byFirstByte := func(ref store.Ref) int { return int(ref.Key[0]) }
	for _, test := range []struct {
		name      string
		keys      []string
		elsewhere []int
	}{
		{"one", []string{"a"}, nil},
		{"all together", []string{"a", "ab", "a"}, nil},
		{"some elsewhere", []string{"a", "b", "ab", "c"}, []int{1, 3}},
		{"all elsewhere", []string{"a", "b", "bc"}, []int{1, 2}},
	} {
		var b store.Batch
		for _, key := range test.keys {
			b.Ops = append(b.Ops, at(store.Get, key))
		}
		var elsewhere []int
		for _, f := range b.Elsewhere(byFirstByte) {
			elsewhere = append(elsewhere, f.Index)
			if f.Err.Code != store.CrossSlot || f.Err.Field != "key" || f.Err.Ref != b.Ops[f.Index].Ref {
				t.Errorf("%s: operation %d failed with %+v", test.name, f.Index, f.Err)
			}
		}
		if !slices.Equal(elsewhere, test.elsewhere) {
			t.Errorf("%s: got the operations %v", test.name, elsewhere)
		}
	}
}
