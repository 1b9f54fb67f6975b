package value

import (
	"errors"
	"strings"
	"testing"
)

func TestCompileRefuses(t *testing.T) {
	many := "[" + strings.Repeat("0,", MaxIn) + "0]"
	for _, c := range []struct{ path, op, value, pointer string }{
		{"/a", "equals", "1", "/op"},
		{"/a", "", "1", "/op"},
		{"a", "eq", "1", "/path"},
		{"/~", "eq", "1", "/path"},
		{"$id", "eq", "1", "/path"},
		{"$metadata/", "eq", "1", "/path"},
		{"$metadata", "eq", "1", "/path"},
		{"$keys", "eq", "1", "/path"},
		{"/a", "eq", "", "/value"},
		{"/a", "ne", "", "/value"},
		{"/a", "gt", "", "/value"},
		{"/a", "gt", "null", "/value"},
		{"/a", "gte", "[1]", "/value"},
		{"/a", "lt", "{}", "/value"},
		{"/a", "in", "1", "/value"},
		{"/a", "nin", "{}", "/value"},
		{"/a", "in", "", "/value"},
		{"/a", "in", many, "/value"},
		{"/a", "nin", many, "/value"},
		{"/a", "like", "1", "/value"},
		{"/a", "like", `"a\\"`, "/value"},
		{"/a", "not_like", `"\\\\\\"`, "/value"},
		{"/a", "like", `"` + strings.Repeat("x", MaxLike+1) + `"`, "/value"},
		{"/a", "is_null", "true", "/value"},
		{"/a", "is_not_null", "null", "/value"},
		{"/a", "exists", "1", "/value"},
		{"/a", "exists", "null", "/value"},
		{"/a", "prefix", "1", "/value"},
		{"/a", "contains", "", "/value"},
		{"$created_at", "eq", `"yesterday"`, "/value"},
		{"$created_at", "gt", "5", "/value"},
		{"$updated_at", "lt", `"2024-01-01"`, "/value"},
		{"$updated_at", "lt", `"2024-01-01T00:00:00"`, "/value"},
		{"$updated_at", "lt", `"2024-02-30T00:00:00Z"`, "/value"},
		{"$updated_at", "lt", `"9999-12-31T23:59:59-01:00"`, "/value"},
		{"$updated_at", "lt", `"0000-01-01T00:00:00+01:00"`, "/value"},
		{"$updated_at", "lt", `"2024-01-01T00:00:00,5Z"`, "/value"},
		{"$expires_at", "eq", "null", "/value"},
		{"$expires_at", "in", `["2024-01-01T00:00:00Z",1]`, "/value/1"},
		{"$expires_at", "in", `"2024-01-01T00:00:00Z"`, "/value"},
		{"$created_at", "prefix", `"2024"`, "/value"},
		{"$created_at", "like", `"2024%"`, "/value"},
		{"$created_at", "is_null", "1", "/value"},
		{"$created_at", "ne", "", "/value"},
	} {
		f := Filter{Path: c.path, Op: c.op, Value: []byte(c.value)}
		if c.value == "" {
			f.Value = nil
		}
		checkRefused(t, f, c.pointer)
		checkRefused(t, Filter{Or: []Filter{{Path: "/a", Op: "exists"}, {Not: &f}}}, "/or/1/not"+c.pointer)
	}
	good := Filter{Path: "/a", Op: "exists"}
	checkRefused(t, Filter{And: []Filter{}}, "/and")
	checkRefused(t, Filter{Or: []Filter{}}, "/or")
	checkRefused(t, Filter{Not: &Filter{}}, "/not")
	checkRefused(t, Filter{And: []Filter{good, {}}}, "/and/1")
	checkRefused(t, Filter{And: []Filter{good}, Or: []Filter{good}}, "")
	checkRefused(t, Filter{Not: &good, Op: "eq"}, "")
	checkRefused(t, Filter{Path: "/a"}, "/op")
}

func checkRefused(t *testing.T, f Filter, pointer string) {
	t.Helper()
	_, err := Compile(f)
	refused, ok := errors.AsType[*FilterError](err)
	if !ok || refused.Pointer != pointer || refused.Detail == "" {
		t.Errorf("%+v %.40s: %v, want an error at %q", f, f.Value, err, pointer)
	}
}

func TestCompileBounds(t *testing.T) {
	nested := func(n int) Filter {
		f := Filter{Path: "/a", Op: OpExists}
		for range n - 1 {
			inner := f
			f = Filter{Not: &inner}
		}
		return f
	}
	wide := func(n int) Filter {
		f := Filter{}
		for range n - 1 {
			f.And = append(f.And, Filter{Path: "/a", Op: OpExists})
		}
		return f
	}
	for _, f := range []Filter{nested(MaxFilterDepth), wide(MaxFilterNodes), {Or: []Filter{nested(MaxFilterDepth - 1), nested(5)}}} {
		if _, err := Compile(f); err != nil {
			t.Error(err)
		}
	}
	checkRefused(t, nested(MaxFilterDepth+1), strings.Repeat("/not", MaxFilterDepth))
	checkRefused(t, wide(MaxFilterNodes+1), "/and/255")
	in := []byte("[" + strings.Repeat("0,", MaxIn-1) + "0]")
	if _, err := Compile(Filter{Path: "/a", Op: OpIn, Value: in}); err != nil {
		t.Error(err)
	}
	like := []byte(`"` + strings.Repeat("x", MaxLike) + `"`)
	if _, err := Compile(Filter{Path: "/a", Op: OpLike, Value: like}); err != nil {
		t.Error(err)
	}
}
