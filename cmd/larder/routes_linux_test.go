package main

import (
	"strings"
	"testing"
)

// TestPeopleSeeRoutes on a terminal.
func TestPeopleSeeRoutes(t *testing.T) {
	g := withTwoFiles(t)
	g.must("", "put", "users", "ada", "1")
	see := func(args ...string) string {
		t.Helper()
		return strings.ReplaceAll(onTerminal(t, []string{"LARDER_URL=" + g.url("")}, append([]string{"routes"}, args...)...), "\r\n", "\n")
	}
	const (
		before = "TABLES   STRATEGY      BACKENDS\n*        primary-only  one\nnotes_*  primary-only  two\n"
		after  = before + "users    primary-only  two\n"
	)
	for _, step := range []struct {
		args []string
		want string
	}{
		{nil, before + "They are those of the settings.\n"},
		{[]string{"set", "users=primary-only(two)", "--dry-run"}, after + "users would move from one to two, without its entries.\nThese would be the routes. Nothing has changed.\n"},
		{[]string{"set", "users=primary-only(two)", "--allow-moves"}, after + "users moves from one to two, without its entries.\nThese are the routes, at version 1.\n"},
		{nil, after + "They are at version 1.\n"},
	} {
		if got := see(step.args...); got != step.want {
			t.Errorf("larder routes %q shows\n%s\nwant\n%s", step.args, got, step.want)
		}
	}
}
