package testenv

import (
	"cmp"
	"net"
	"net/url"
	"sync"
	"testing"
)

// PostgresProxy stands between a client and a PostgreSQL server and understands
// enough of what goes through to break it at the worst moment: around a
// commit. It speaks no TLS: a client that prefers it is told that there is
// none.
//
//	proxy := testenv.ProxyPostgres(t, url)
//	proxy.OnCommit(func(testenv.Commit) testenv.Cut { return testenv.CutAfterCommit })
//	store := open(t, proxy.URL)
type PostgresProxy struct {
	URL string // the server's, by way of the proxy
	*proxy

	deciding sync.Mutex // guards the rest
	onCommit func(Commit) Cut
	commits  int
}

// PostgresProxyCounts is what a proxy has seen; requests to cancel are
// connections too.
type PostgresProxyCounts struct {
	ProxyCounts
	Commits int // that a client asked for
}

// ProxyPostgres starts a proxy in front of the server that a URL names, and
// stops it at the test's end.
func ProxyPostgres(t testing.TB, serverURL string) *PostgresProxy {
	t.Helper()
	u, err := url.Parse(serverURL)
	if err != nil {
		t.Fatalf("not a URL of a server: %v", err)
	}
	p := newPostgresProxy(t, net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "5432")))
	u.Host = p.listen()
	p.URL = u.String()
	return p
}

func newPostgresProxy(t testing.TB, target string) *PostgresProxy {
	p := &PostgresProxy{}
	p.proxy = newProxy(t, target, func(l *link) (forward, backward func()) {
		session := &postgresLink{link: l, postgres: p, dialogue: newDialogue()}
		return session.forward, session.backward
	})
	return p
}

// OnCommit has f asked at each commit whether to break its connection. f may
// wait, which holds this connection up, and is called from many goroutines.
// nil: break none.
func (p *PostgresProxy) OnCommit(f func(Commit) Cut) {
	p.deciding.Lock()
	defer p.deciding.Unlock()
	p.onCommit = f
}

// Counts says what has gone through so far.
func (p *PostgresProxy) Counts() PostgresProxyCounts {
	p.deciding.Lock()
	defer p.deciding.Unlock()
	return PostgresProxyCounts{ProxyCounts: p.seen(), Commits: p.commits}
}

// decide asks the test what is to become of a commit.
func (p *PostgresProxy) decide(c Commit) Cut {
	p.deciding.Lock()
	p.commits++
	c.Number = p.commits
	f := p.onCommit
	p.deciding.Unlock()
	if f == nil {
		return NoCut
	}
	return f(c)
}
