package testenv_test

import (
	"slices"
	"strings"
	"testing"

	"larder/internal/testenv"
)

func TestSentinelFailsOver(t *testing.T) {
	t.Parallel()
	s := testenv.StartSentinel(t, testenv.RedisOptions{Password: "secret"})
	if !strings.HasPrefix(s.URL, "redis+sentinel://:secret@"+s.Sentinels[0].Address+","+s.Sentinels[1].Address+",") {
		t.Errorf("the URL is %s", s.URL)
	}
	first := s.Master(t)
	first.Do(t, "SET", "k", "v")
	s.AwaitReplicas(t)
	first.Kill(t)
	second := s.AwaitFailover(t, first)
	if second == first || s.Master(t) != second || !slices.Contains(s.Nodes, second) {
		t.Fatalf("the masters are %s and %s", first.Address, second.Address)
	}
	if got := second.Do(t, "GET", "k"); got != "v" {
		t.Errorf("the new master has %v", got)
	}
	second.Do(t, "SET", "k", "w")

	first.Start(t)
	s.AwaitReplicas(t)
	if got := first.Do(t, "GET", "k"); got != "w" {
		t.Errorf("the old master, back as a replica, has %v", got)
	}
}

func TestSharedSentinel(t *testing.T) {
	t.Parallel()
	a, b := testenv.RedisSentinel(t), testenv.RedisSentinel(t)
	if a.URL != b.URL || a.Prefix == b.Prefix || !strings.HasSuffix(a.URL, "/main/0") {
		t.Errorf("two tests have %v and %v", a, b)
	}
}
