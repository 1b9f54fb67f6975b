package testenv

import (
	"bytes"
	"net/url"
	"sync"
	"testing"
)

// CommandCut says how a connection breaks around a command.
type CommandCut uint8

// The cuts. To the client they look alike: it has sent a command, and the
// connection breaks.
const (
	PassOn CommandCut = iota // no cut
	// LoseCommand: the server does not get to hear of the command.
	LoseCommand
	// LoseReply: the server has carried the command out and said so; the
	// client does not get to hear of it. Where the server refuses, as one that
	// does not know a script does, nothing is cut.
	LoseReply
)

// RedisProxy stands between a client and a Redis server and understands enough
// of what goes through to break it at the worst moment: around a command. It
// speaks no TLS. To a client that has subscribed in RESP 2, commands and
// replies can't be told apart; in RESP 3 they can.
//
//	proxy := testenv.ProxyRedis(t, server.URL)
//	proxy.CutAfterCommand("EVALSHA")
//	store := open(t, proxy.URL)
type RedisProxy struct {
	URL     string // the server's, by way of the proxy
	Address string // 127.0.0.1:PORT
	*proxy

	deciding  sync.Mutex // guards the rest
	onCommand func(words []string) CommandCut
	armed     CommandCut // for a command that contains match, once
	match     []byte
	commands  int
}

// RedisProxyCounts is what a proxy has seen.
type RedisProxyCounts struct {
	ProxyCounts
	Commands int // that clients sent
}

// ProxyRedis starts a proxy in front of the single server that a URL names, and
// stops it at the test's end.
func ProxyRedis(t testing.TB, serverURL string) *RedisProxy {
	t.Helper()
	u, err := url.Parse(serverURL)
	if err != nil || u.Scheme != "redis" || u.Port() == "" {
		t.Fatalf("not a URL as redis://HOST:PORT: %v", err)
	}
	p := &RedisProxy{}
	p.proxy = newProxy(t, u.Host, func(l *link) (forward, backward func()) {
		session := &redisLink{link: l, redis: p, watched: make(map[int]bool)}
		return session.forward, session.backward
	})
	p.Address = p.listen()
	u.Host = p.Address
	p.URL = u.String()
	return p
}

// OnCommand has f asked at each command whether to break its connection. f may
// wait, which holds this connection up, and is called from many goroutines.
// nil: break none.
func (p *RedisProxy) OnCommand(f func(words []string) CommandCut) {
	p.deciding.Lock()
	defer p.deciding.Unlock()
	p.onCommand = f
}

// CutBeforeCommand breaks, once, the connection of the next command that
// contains a text, in its name or an argument: LoseCommand.
func (p *RedisProxy) CutBeforeCommand(match string) { p.arm(LoseCommand, match) }

// CutAfterCommand breaks, once, the connection of the next command that
// contains a text, in its name or an argument, and that the server does not
// refuse: LoseReply.
func (p *RedisProxy) CutAfterCommand(match string) { p.arm(LoseReply, match) }

func (p *RedisProxy) arm(cut CommandCut, match string) {
	p.deciding.Lock()
	defer p.deciding.Unlock()
	p.armed, p.match = cut, []byte(match)
}

// Counts says what has gone through so far.
func (p *RedisProxy) Counts() RedisProxyCounts {
	p.deciding.Lock()
	defer p.deciding.Unlock()
	return RedisProxyCounts{ProxyCounts: p.seen(), Commands: p.commands}
}

// decide says what is to become of a command; once: only if, by then,
// CutAfterCommand still waits for one.
func (p *RedisProxy) decide(command respValue) (cut CommandCut, once bool) {
	p.deciding.Lock()
	p.commands++
	f := p.onCommand
	if p.armed != PassOn && bytes.Contains(command, p.match) {
		cut = p.armed
	}
	if cut == LoseCommand {
		p.armed = PassOn
	}
	p.deciding.Unlock()
	if cut != PassOn || f == nil {
		return cut, true
	}
	return f(command.words()), false
}

// disarm says whether CutAfterCommand was still waiting for its command, which
// this one now is.
func (p *RedisProxy) disarm() bool {
	p.deciding.Lock()
	defer p.deciding.Unlock()
	was := p.armed == LoseReply
	if was {
		p.armed = PassOn
	}
	return was
}
