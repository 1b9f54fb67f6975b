package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"larder/api"
	"larder/internal/testenv"
)

// backendsOf reads what `larder backends` writes into a pipe.
func backendsOf(t *testing.T, text string) (all []backendTold) {
	t.Helper()
	for line := range strings.Lines(text) {
		var b backendTold
		if err := json.Unmarshal([]byte(line), &b); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		all = append(all, b)
	}
	return all
}

func TestBackends(t *testing.T) {
	g := withTwoFiles(t)
	g.must("", "routes", "set", "notes_*=multi-write(two,one)")
	all := backendsOf(t, g.must("", "backends"))
	if len(all) != 2 || all[0].Name != "one" || all[1].Name != "two" {
		t.Fatalf("they are %+v", all)
	}
	one := backendsOf(t, g.must("", "backends", "one"))[0]
	want := []backendRole{{"*", "primary-only", "primary"}, {"notes_*", "multi-write", "secondary"}}
	if one.Engine != "bbolt" || one.Since == nil || one.Since.IsZero() || !slices.Equal(one.Routes, want) {
		t.Errorf("one is %+v", one)
	}
	if roles := all[1].Routes; len(roles) != 1 || roles[0].Role != "primary" {
		t.Errorf("two is %+v", all[1])
	}
}

// TestBackendsChange adds a Redis, uses it, and removes it again.
func TestBackendsChange(t *testing.T) {
	redis := testenv.StartRedis(t, testenv.RedisOptions{Password: "s3cret"})
	g := withTwoFiles(t)
	is := func(state api.BackendState, args ...string) {
		t.Helper()
		out := g.must(redis.URL+"\n", append([]string{"backends"}, args...)...)
		if b := backendsOf(t, out); len(b) != 1 || b[0].Name != "hot" || b[0].State != state || strings.Contains(out, "s3cret") {
			t.Errorf("%q tells %s", args, out)
		}
	}
	refused := func(says string, args ...string) {
		t.Helper()
		if r := g.call("", append([]string{"backends"}, args...)...); r.code != exitFailed || !strings.Contains(r.err, says) || r.out != "" {
			t.Errorf("%q exits with %d and says %s%s", args, r.code, r.out, r.err)
		}
	}
	is(api.BackendStateUp, "put", "hot", "--dry-run")
	refused("not_found", "list", "hot")
	is(api.BackendStateUp, "put", "hot", "--if-absent")
	refused("already_exists", "put", "hot", redis.URL, "--if-absent")
	g.must("", "routes", "set", "notes_*=cache-aside(two,hot)")
	if b := backendsOf(t, g.must("", "backends", "hot"))[0]; len(b.Routes) != 1 || b.Routes[0] != (backendRole{"notes_*", "cache-aside", "cache"}) || b.Details["breaker"] != "closed" {
		t.Errorf("as a cache it is %+v", b)
	}
	refused("backend_in_use: hot is named by notes_*=cache-aside(two,hot)", "remove", "hot")
	is(api.BackendStateDraining, "drain", "hot", "--if-version", "1")
	refused("version_mismatch", "disable", "hot", "--if-version", "1")
	is(api.BackendStateDisabled, "disable", "hot")
	is(api.BackendStateDisabled, "hot")
	is(api.BackendStateUp, "enable", "hot", "--dry-run")
	is(api.BackendStateDisabled, "hot")
	g.must("", "backends", "enable", "hot")
	g.must("", "routes", "set", "notes_*=primary-only(two)")
	for _, args := range [][]string{{"--dry-run"}, nil} {
		if out := g.must("", append([]string{"backends", "remove", "hot"}, args...)...); out != "" {
			t.Errorf("its removal tells a program %s", out)
		}
	}
	refused("not_found", "remove", "hot")
	if all := backendsOf(t, g.must("", "backends")); len(all) != 2 {
		t.Errorf("after it was removed there are %+v", all)
	}
}

func TestBackendsThatCannotBe(t *testing.T) {
	g := withTwoFiles(t)
	for _, r := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"three"}, exitFailed, "not_found"},
		{[]string{".."}, exitUsage, `".." can't be a backend`},
		{[]string{"drain", ".."}, exitUsage, `".." can't be a backend`},
		{[]string{"put", "three"}, exitFailed, "invalid_backend: the URL is"},
		{[]string{"put", "three", "bolt://three.db"}, exitFailed, "name it in LARDER_BACKENDS"},
		{[]string{"put", "memory", "redis://127.0.0.1:1"}, exitFailed, "Server-Timing"},
		{[]string{"put", "three", "redis://127.0.0.1:1", "--if-absent", "--if-version", "1"}, exitUsage, "can't both hold"},
		{[]string{"put", "one", "redis://127.0.0.1:1"}, exitFailed, "backend_fixed"},
		{[]string{"drain", "one"}, exitFailed, "backend_in_use: one is the primary of *=primary-only(one)"},
		{[]string{"enable", "three"}, exitFailed, "not_found"},
		{[]string{"remove", "one"}, exitFailed, "backend_fixed"},
		{[]string{"remove"}, exitUsage, `"" can't be a backend`},
	} {
		if got := g.call("", append([]string{"backends"}, r.args...)...); got.code != r.code || !strings.Contains(got.err, r.says) {
			t.Errorf("%q exits with %d and says %s", r.args, got.code, got.err)
		}
	}
}

// TestBackendShown: what a person sees of states that don't last.
func TestBackendShown(t *testing.T) {
	t.Parallel()
	few, many, lag := int64(3), int64(10_000), 12.34
	secondary := []backendRole{{"*", "multi-write", "secondary"}}
	for _, test := range []struct {
		of     backendTold
		behind string
	}{
		{backendTold{}, "-"},
		{backendTold{Routes: secondary}, "being filled"},
		{backendTold{Backend: api.Backend{LagSeconds: &lag}, Routes: secondary}, "12.3 s"},
		{backendTold{Backend: api.Backend{LagSeconds: &lag, Backlog: &few}, Routes: secondary}, "12.3 s, 3 entries"},
		{backendTold{Backend: api.Backend{Backlog: &many, BacklogMore: true}, Routes: secondary}, "being filled, at least 10000 entries"},
	} {
		if got := test.of.behind(); got != test.behind {
			t.Errorf("%+v is shown as behind by %s, want %s", test.of, got, test.behind)
		}
	}
	var text strings.Builder
	down := backendTold{Backend: api.Backend{Name: "pg", Engine: "postgresql", Role: "unused", State: api.BackendStateDown}, Reason: "connection refused"}
	if err := showBackends(&text, []backendTold{down}); err != nil {
		t.Fatal(err)
	}
	const want = "NAME  ENGINE      STATE  SINCE  BREAKER  BEHIND  IN ROUTES  REASON\npg    postgresql  down   -      -        -       unused     connection refused\n"
	if text.String() != want {
		t.Errorf("a table is\n%s\nwant\n%s", text.String(), want)
	}
}
