package main

import (
	"regexp"
	"strings"
	"testing"

	"larder/internal/testenv"
)

// TestPeopleSeeBackends on a terminal.
func TestPeopleSeeBackends(t *testing.T) {
	redis := testenv.StartRedis(t, testenv.RedisOptions{})
	g := withTwoFiles(t)
	times := regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`)
	see := func(args ...string) string {
		t.Helper()
		text := onTerminal(t, []string{"LARDER_URL=" + g.url("")}, append([]string{"backends"}, args...)...)
		return times.ReplaceAllString(strings.ReplaceAll(text, "\r\n", "\n"), "some time ago      ")
	}
	const table = "NAME  ENGINE  STATE  SINCE                BREAKER  BEHIND  IN ROUTES           REASON\n" +
		"one   bbolt   up     some time ago        -        -       primary of *        -\n" +
		"two   bbolt   up     some time ago        -        -       primary of notes_*  -\n"
	for _, step := range []struct {
		args []string
		want string
	}{
		{nil, table},
		{[]string{"put", "hot", redis.URL, "--dry-run"}, "hot would be up. Nothing has changed.\n"},
		{[]string{"put", "hot", redis.URL}, "hot is up, at version 1.\n"},
		{[]string{"drain", "hot"}, "hot is draining, at version 2.\n"},
		{[]string{"disable", "hot"}, "hot is disabled, at version 3.\n"},
		{[]string{"enable", "hot"}, "hot is up, at version 4.\n"},
		{[]string{"remove", "hot", "--dry-run"}, "hot could be removed. Nothing has changed.\n"},
		{[]string{"remove", "hot"}, "hot is removed.\n"},
		{nil, table},
	} {
		if got := see(step.args...); got != step.want {
			t.Errorf("larder backends %q shows\n%s\nwant\n%s", step.args, got, step.want)
		}
	}
	one := see("one")
	for _, line := range []string{"name", "engine +bbolt", "state +up", "since +some time ago", `in routes +primary of \*`, "durability +an acknowledged write", "can +.*query"} {
		if !regexp.MustCompile("(?m)^" + line).MatchString(one) {
			t.Errorf("of one is shown\n%s\nwithout %s", one, line)
		}
	}
}
