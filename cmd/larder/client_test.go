package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"larder/api"
)

// entries reads lines of JSON.
func entries(t *testing.T, text string) []api.Entry {
	t.Helper()
	var all []api.Entry
	for line := range strings.Lines(text) {
		var e api.Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		all = append(all, e)
	}
	return all
}

func keys(t *testing.T, text string) string {
	t.Helper()
	var names []string
	for _, e := range entries(t, text) {
		names = append(names, e.Key)
	}
	return strings.Join(names, " ")
}

func TestPutAndGet(t *testing.T) {
	g := start(t)
	file := filepath.Join(t.TempDir(), "value.json")
	if err := os.WriteFile(file, []byte(`{"from": "a file"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	binary := "\x00\xff\r\n bytes"
	tests := []struct {
		key, stdin string
		args       []string
		want       string
	}{
		{"argument", "", []string{`{"b": 1, "a": 12345678901234567890}`}, `{"a":12345678901234567890,"b":1}`},
		{"a negative number", "", []string{"--", "-5"}, "-5"},
		{"a/b %2F ü 😀", "", []string{`"odd key"`}, `"odd key"`},
		{"stdin", "[1, 2]", nil, "[1,2]"},
		{"dash", "null", []string{"-"}, "null"},
		{"file", "", []string{"@" + file}, `{"from":"a file"}`},
		{"bytes", binary, []string{"--bytes"}, binary},
		{"bytes argument", "", []string{"--bytes", "not json"}, "not json"},
	}
	for _, tt := range tests {
		t.Run(tt.key, func(t *testing.T) {
			put := entries(t, g.must(tt.stdin, append([]string{"put", "users", tt.key}, tt.args...)...))
			if put[0].Version != 1 || put[0].Key != tt.key {
				t.Errorf("put gives %+v", put[0])
			}
			if got := g.must("", "get", "users", tt.key); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPutWithEverything(t *testing.T) {
	g := start(t)
	g.must("", "put", "users", "ada", "1", "--ttl", "1h", "--metadata", "tier=gold", "--metadata", `note=für "alle"`)
	e := entries(t, g.must("", "get", "users", "ada", "--entry"))[0]
	if e.ExpiresAt == nil || e.Metadata["tier"] != "gold" || e.Metadata["note"] != `für "alle"` {
		t.Errorf("got %+v", e)
	}
	g.must("", "put", "users", "ada", "2", "--if-version", "1")
	for _, args := range [][]string{{"--if-version", "1"}, {"--if-absent"}} {
		r := g.call("", append([]string{"put", "users", "ada", "3"}, args...)...)
		if r.code != 1 || len(r.lines()) != 1 || r.out != "" {
			t.Errorf("%v exits with %d: %s", args, r.code, r.err)
		}
	}
	if got := g.must("", "get", "users", "ada"); got != "2" {
		t.Errorf("got %s", got)
	}
}

func TestProblemsAreOneLine(t *testing.T) {
	g := start(t)
	for want, args := range map[string][]string{
		"larder: not_found: ":     {"get", "users", "nobody"},
		"larder: invalid_table: ": {"get", "no such table!", "ada"},
		"larder: invalid_query: ": {"query", "users", "age:gte:3"},
		"larder: invalid_json: ":  {"put", "users", "ada", `{"a": 1, "a": 2}`},
	} {
		r := g.call("", args...)
		if r.code != 1 || len(r.lines()) != 1 || !strings.HasPrefix(r.err, want) {
			t.Errorf("larder %q exits with %d: %s", args, r.code, r.err)
		}
	}
}

func TestDelete(t *testing.T) {
	g := start(t)
	g.must("", "put", "users", "ada", "1")
	if r := g.call("", "delete", "users", "ada", "--if-version", "9"); r.code != 1 || !strings.Contains(r.err, "version_mismatch") {
		t.Errorf("exits with %d: %s", r.code, r.err)
	}
	g.must("", "delete", "users", "ada", "--if-version", "1")
	g.must("", "delete", "users", "ada")
	if r := g.call("", "get", "users", "ada"); r.code != 1 || !strings.Contains(r.err, "not_found") {
		t.Errorf("exits with %d: %s", r.code, r.err)
	}
}

func TestListAndQuery(t *testing.T) {
	g := start(t)
	var lines strings.Builder
	for i := range 2500 {
		fmt.Fprintf(&lines, `{"key": "k%04d", "value": {"n": %d, "odd": %t, "name": "a:b"}}`+"\n", i, i, i%2 == 1)
	}
	g.must(lines.String(), "import", "-", "--table", "numbers")

	tests := []struct {
		args []string
		want string
	}{
		{[]string{"list", "numbers", "--limit", "2"}, "k0000 k0001"},
		{[]string{"list", "numbers", "--limit", "2", "--reverse"}, "k2499 k2498"},
		{[]string{"list", "numbers", "--prefix", "k000", "--start", "k0007", "--end", "k0009"}, "k0007 k0008"},
		{[]string{"list", "nothing"}, ""},
		{[]string{"query", "numbers", "/n:lt:4", "/odd:eq:true"}, "k0001 k0003"},
		{[]string{"query", "numbers", "/n:lt:4", "--sort", "/odd:desc", "--sort", "/n:desc"}, "k0003 k0001 k0002 k0000"},
		{[]string{"query", "numbers", "/n:in:[7,8]"}, "k0007 k0008"},
		{[]string{"query", "numbers", "/name:eq:a:b", "--limit", "1"}, "k0000"},
		{[]string{"query", "numbers", "$key:prefix:k249", "/n:gte:2498"}, "k2498 k2499"},
		{[]string{"query", "numbers", "/missing:exists"}, ""},
	}
	for _, tt := range tests {
		if got := keys(t, g.must("", tt.args...)); got != tt.want {
			t.Errorf("larder %q gives %s, want %s", tt.args, got, tt.want)
		}
	}

	if n := len(entries(t, g.must("", "list", "numbers", "--all"))); n != 2500 {
		t.Errorf("--all lists %d", n)
	}
	if n := len(entries(t, g.must("", "list", "numbers", "--limit", "1500"))); n != 1500 {
		t.Errorf("--limit 1500 lists %d", n)
	}
	if n := len(entries(t, g.must("", "query", "numbers", "/odd:eq:true", "--all"))); n != 1250 {
		t.Errorf("--all finds %d", n)
	}
	if e := entries(t, g.must("", "list", "numbers", "--limit", "1"))[0]; e.Value != nil {
		t.Errorf("the list has values: %s", e.Value)
	}
	if e := entries(t, g.must("", "list", "numbers", "--limit", "1", "--values"))[0]; e.Value == nil {
		t.Error("--values gives none")
	}
	if e := entries(t, g.must("", "query", "numbers", "/n:eq:5", "--select", "/odd"))[0]; string(e.Value) != `{"odd":true}` {
		t.Errorf("--select gives %s", e.Value)
	}
	if got := keys(t, g.must(`{"filter": {"not": {"path": "/n", "op": "gt", "value": 0}}}`, "query", "numbers", "--json", "-")); got != "k0000" {
		t.Errorf("--json finds %s", got)
	}
}
