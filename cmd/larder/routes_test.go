package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"larder/api"
)

// withTwoFiles is a larder over two files.
func withTwoFiles(t *testing.T) *gateway {
	t.Helper()
	dir := t.TempDir()
	return start(
		t, "LARDER_PRIMARY=",
		"LARDER_BACKENDS=one=bolt://"+filepath.Join(dir, "one.db")+"; two=bolt://"+filepath.Join(dir, "two.db"),
		"LARDER_ROUTES=*=primary-only(one); notes_*=primary-only(two)",
	)
}

// routed is an answer with routes, as they are configured.
func routed(t *testing.T, text string) (routes string, moves []api.RouteMove) {
	t.Helper()
	var told api.RoutesChanged
	if err := json.Unmarshal([]byte(text), &told); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	texts := make([]string, len(told.Routes))
	for i, r := range told.Routes {
		texts[i] = r.Pattern + "=" + r.Strategy + "(" + strings.Join(r.Members, ",") + ")"
	}
	return strings.Join(texts, "; "), told.Moves
}

func TestRoutes(t *testing.T) {
	g := withTwoFiles(t)
	is := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: the routes are %s, want %s", what, got, want)
		}
	}
	first := g.must("", "routes")
	routes, _ := routed(t, first)
	is("at first", routes, "*=primary-only(one); notes_*=primary-only(two)")

	g.must("", "put", "users", "ada", "1")
	routes, moves := routed(t, g.must("", "routes", "set", "users=primary-only(two)", "--dry-run"))
	is("would be", routes, "*=primary-only(one); notes_*=primary-only(two); users=primary-only(two)")
	if len(moves) != 1 || moves[0] != (api.RouteMove{Table: "users", From: "one", To: "two"}) {
		t.Errorf("%v would move", moves)
	}
	routes, _ = routed(t, g.must("", "routes", "list"))
	is("after that", routes, "*=primary-only(one); notes_*=primary-only(two)")
	if r := g.call("", "routes", "set", "users=primary-only(two)"); r.code != exitFailed || !strings.Contains(r.err, "tables_would_move") {
		t.Errorf("it exits with %d: %s", r.code, r.err)
	}
	g.must("", "routes", "set", "users=primary-only(two)", "--allow-moves")
	if r := g.call("", "get", "users", "ada"); r.code != exitFailed || !strings.Contains(r.err, "not_found") {
		t.Errorf("the entry has come along: %d %s%s", r.code, r.out, r.err)
	}

	routes, _ = routed(t, g.must("", "routes", "set", "users=primary-only(one)", "notes_*=multi-write(two,one)", "--allow-moves"))
	is("two at once", routes, "*=primary-only(one); notes_*=multi-write(two,one); users=primary-only(one)")
	if r := g.call(first, "routes", "put", "--if-version", "1"); r.code != exitFailed || !strings.Contains(r.err, "version_mismatch") {
		t.Errorf("over a later version it exits with %d: %s", r.code, r.err)
	}
	file := filepath.Join(t.TempDir(), "routes.json")
	if err := os.WriteFile(file, []byte(first), 0o600); err != nil {
		t.Fatal(err)
	}
	routes, _ = routed(t, g.must("", "routes", "put", file, "--if-version", "2"))
	is("put back", routes, "*=primary-only(one); notes_*=primary-only(two)")
	if got := g.must("", "get", "users", "ada"); got != "1" {
		t.Errorf("where it was before, the entry is %s", got)
	}
}

func TestRoutesThatCannotBe(t *testing.T) {
	g := withTwoFiles(t)
	for _, r := range []struct {
		stdin string
		args  []string
		code  int
		says  string
	}{
		{"", []string{"set", "users"}, exitUsage, `"users" is not a route, such as`},
		{"", []string{"set", "users=primary-only(three)"}, exitFailed, "invalid_routes"},
		{"", []string{"set"}, exitUsage, "routes"},
		{"nonsense", []string{"put"}, exitUsage, "- has no routes, such as"},
		{`{"routes": []}`, []string{"put", "-"}, exitUsage, "- has no routes, such as"},
		{"", []string{"put", filepath.Join(t.TempDir(), "none")}, exitFailed, "no such file"},
	} {
		if got := g.call(r.stdin, append([]string{"routes"}, r.args...)...); got.code != r.code || !strings.Contains(got.err, r.says) {
			t.Errorf("%q exits with %d and says %s", r.args, got.code, got.err)
		}
	}
}
