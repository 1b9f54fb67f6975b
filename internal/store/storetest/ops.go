package storetest

import (
	"fmt"
	"strconv"
	"strings"

	"larder/internal/store"
	"larder/internal/value"
)

// ref names an entry of the table of things.
func ref(key string) store.Ref { return store.Ref{Table: things, Key: key} }

// doc makes a value of JSON text that a test has written down.
func doc(text string) value.Value {
	v, err := value.Parse([]byte(text), value.Limits{})
	if err != nil {
		panic(fmt.Sprintf("a test holds invalid JSON, %v: %s", err, text))
	}
	return v
}

// opaque makes a value of bytes.
func opaque(data []byte) value.Value { return value.Value{Data: data, Encoding: value.Bytes} }

func put(key, text string) store.Op { return putValue(key, doc(text)) }

func putValue(key string, v value.Value) store.Op {
	return store.Op{Kind: store.Put, Ref: ref(key), Value: v}
}

func get(key string) store.Op { return store.Op{Kind: store.Get, Ref: ref(key)} }

func del(key string) store.Op { return store.Op{Kind: store.Delete, Ref: ref(key)} }

func check(key string, p store.Precondition) store.Op {
	return store.Op{Kind: store.Check, Ref: ref(key), If: p}
}

func expire(key string, e store.Expiry) store.Op {
	return store.Op{Kind: store.Expire, Ref: ref(key), Expiry: e}
}

func merge(key, patch string) store.Op {
	return store.Op{Kind: store.Patch, Ref: ref(key), Patch: doc(patch).Data, PatchType: store.MergePatch}
}

func jsonPatch(key, patch string) store.Op {
	return store.Op{Kind: store.Patch, Ref: ref(key), Patch: doc(patch).Data, PatchType: store.JSONPatch}
}

func add(key, delta string) store.Op {
	return store.Op{Kind: store.Increment, Ref: ref(key), Increment: store.Step{Delta: doc(delta).Data}}
}

// addFrom is add for what may not be there yet.
func addFrom(key, delta, initial string) store.Op {
	op := add(key, delta)
	op.Increment.Initial = doc(initial).Data
	return op
}

// addAt is add to a part of a document.
func addAt(key, path, delta string) store.Op {
	op := add(key, delta)
	op.Increment.Path = pointer(path)
	return op
}

func pointer(text string) value.Pointer {
	p, err := value.ParsePointer(text)
	if err != nil {
		panic(fmt.Sprintf("a test holds an invalid pointer, %v: %s", err, text))
	}
	return p
}

// onlyIf gives an operation its precondition.
func onlyIf(p store.Precondition, op store.Op) store.Op {
	op.If = p
	return op
}

// living gives an operation its expiry.
func living(e store.Expiry, op store.Op) store.Op {
	op.Expiry = e
	return op
}

// tagged gives a put its metadata.
func tagged(metadata map[string]string, op store.Op) store.Op {
	op.Metadata = metadata
	return op
}

// The preconditions by name.
var (
	ifAbsent = store.Precondition{Absent: true}
	ifExists = store.Precondition{Exists: true}
)

// number is a document that holds just this number.
func number[N int | int64](n N) string { return strconv.FormatInt(int64(n), 10) }

// describe tells what a batch does, briefly.
func describe(ops []store.Op) string {
	var b strings.Builder
	for i, op := range ops {
		if i == 5 {
			fmt.Fprintf(&b, " and %d more", len(ops)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s %.60q", op.Kind, op.Ref.Key)
		if !op.If.IsZero() {
			fmt.Fprintf(&b, " if %+v", op.If)
		}
	}
	return b.String()
}

// show tells what an entry is, briefly.
func show(e store.Entry) string {
	if !e.Exists() {
		return fmt.Sprintf("%.60q absent at version %d", e.Key, e.Version)
	}
	return fmt.Sprintf("%.60q version %d = %.120q metadata %v expires %v", e.Key, e.Version, e.Value.Data, e.Metadata, e.ExpiresAt)
}
