package redisstore

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"larder/internal/testenv"
)

// lines is a log to look at.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// warnings are the messages that were logged as such.
func (l *lines) warnings() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, `"level":"warn"`) {
			all = append(all, line)
		}
	}
	return all
}

// TestAdvice warns once of each thing that an operator will hardly want so, and of
// nothing else.
func TestAdvice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options testenv.RedisOptions
		want    []string
	}{
		"nothing to say":  {testenv.RedisOptions{AppendOnly: true, Settings: map[string]string{"maxmemory": "100mb"}}, nil},
		"every second":    {testenv.RedisOptions{AppendOnly: true, AppendFsync: "everysec"}, nil},
		"nothing saved":   {testenv.RedisOptions{}, []string{"a restart of it loses all entries"}},
		"snapshots":       {testenv.RedisOptions{Settings: map[string]string{"save": "3600 1"}}, []string{"keeps no append-only file"}},
		"evicting":        {testenv.RedisOptions{AppendOnly: true, Settings: map[string]string{"maxmemory": "100mb", "maxmemory-policy": "allkeys-random"}}, []string{"evicts keys"}},
		"evicting and so": {testenv.RedisOptions{Settings: map[string]string{"maxmemory": "100mb", "maxmemory-policy": "allkeys-lru"}}, []string{"evicts keys", "loses all entries"}},
		"beyond the host": {testenv.RedisOptions{AppendOnly: true, Settings: map[string]string{"maxmemory": "900000gb"}}, []string{"more memory than its host has"}},
		"almost full":     {testenv.RedisOptions{AppendOnly: true, Settings: map[string]string{"maxmemory": "1mb", "maxmemory-policy": "noeviction"}}, []string{"almost all of the memory"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testenv.StartRedis(t, c.options)
			said(t, server.URL, c.want)
		})
	}
}

// said opens a store and holds its warnings to those that are wanted.
func said(t *testing.T, address string, want []string) {
	t.Helper()
	var log lines
	logger := zerolog.New(&log)
	openWith(t, Options{URL: address, Logger: &logger, ReplyTimeout: 10 * time.Second})
	got := log.warnings()
	for i, text := range want {
		if i >= len(got) || !strings.Contains(got[i], text) {
			t.Errorf("warning %d is to be of %q; all there are:\n%s", i, text, strings.Join(got, ""))
		}
	}
	if len(got) > len(want) {
		t.Errorf("it warns of more:\n%s", strings.Join(got, ""))
	}
}

func TestAdviceBehindSentinels(t *testing.T) {
	t.Parallel()
	servers := testenv.StartSentinel(t, testenv.RedisOptions{AppendOnly: true})
	said(t, servers.URL, nil)
	for _, node := range servers.Nodes {
		if node != servers.Master(t) {
			node.Kill(t)
		}
	}
	master := servers.Master(t)
	poll(t, "the master to notice", func() bool { return master.Info(t, "replication")["connected_slaves"] == "0" })
	said(t, servers.URL, []string{"no replica is in sync"})
}

// TestAdviceOnceReached warns when a server is reached that was not there at first.
func TestAdviceOnceReached(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t, testenv.RedisOptions{})
	server.Kill(t)
	var log lines
	logger := zerolog.New(&log)
	openWith(t, Options{URL: server.URL, Logger: &logger, ReplyTimeout: 10 * time.Second})
	if got := log.warnings(); len(got) != 1 || !strings.Contains(got[0], "can't be used yet") {
		t.Errorf("while it is down: %v", got)
	}
	server.Start(t)
	poll(t, "the warning", func() bool {
		got := log.warnings()
		return len(got) == 2 && strings.Contains(got[1], "loses all entries")
	})
}
