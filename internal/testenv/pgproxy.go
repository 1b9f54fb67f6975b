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

	t        testing.TB
	target   string
	listener net.Listener
	working  sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	refusing bool
	flowing  chan struct{} // closed while bytes flow
	onCommit func(Commit) Cut
	budget   *int64 // what the server may still say before a cut; nil: anything
	links    map[*link]struct{}
	counts   PostgresProxyCounts
}

// PostgresProxyCounts is what a proxy has seen.
type PostgresProxyCounts struct {
	Connections int // accepted and not refused; requests to cancel too
	Refused     int // connections
	Open        int // connections, now
	Commits     int // that a client asked for
	Cuts        int // connections broken by the proxy
}

// ProxyPostgres starts a proxy in front of the server that a URL names, and
// stops it at the test's end.
func ProxyPostgres(t testing.TB, serverURL string) *PostgresProxy {
	t.Helper()
	u, err := url.Parse(serverURL)
	if err != nil {
		t.Fatalf("not a URL of a server: %v", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &PostgresProxy{
		t: t, target: net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "5432")), listener: listener,
		flowing: make(chan struct{}), links: make(map[*link]struct{}),
	}
	close(p.flowing)
	u.Host = listener.Addr().String()
	p.URL = u.String()
	p.working.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// OnCommit has f asked at each commit whether to break its connection. f may
// wait, which holds this connection up, and is called from many goroutines.
// nil: break none.
func (p *PostgresProxy) OnCommit(f func(Commit) Cut) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.onCommit = f
}

// CutAfterBytes breaks, once, the connection on which the server's answers,
// those of all connections taken together, come to more than n bytes from now
// on, in the middle of what it says.
func (p *PostgresProxy) CutAfterBytes(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.budget = &n
}

// CutAll breaks every open connection, on both sides.
func (p *PostgresProxy) CutAll() {
	for _, l := range p.open() {
		l.cut()
	}
}

// Stall holds back every byte in both directions, and what new connections
// say, until Resume. Nobody is told.
func (p *PostgresProxy) Stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.flowing:
		p.flowing = make(chan struct{})
	default:
	}
}

// Refuse breaks new connections at once, until Resume. Those that are open
// stay.
func (p *PostgresProxy) Refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusing = true
}

// Resume ends Stall and Refuse.
func (p *PostgresProxy) Resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusing = false
	select {
	case <-p.flowing:
	default:
		close(p.flowing)
	}
}

// Counts says what has gone through so far.
func (p *PostgresProxy) Counts() PostgresProxyCounts {
	p.mu.Lock()
	defer p.mu.Unlock()
	counts := p.counts
	counts.Open = len(p.links)
	return counts
}

func (p *PostgresProxy) open() []*link {
	p.mu.Lock()
	defer p.mu.Unlock()
	links := make([]*link, 0, len(p.links))
	for l := range p.links {
		links = append(links, l)
	}
	return links
}

func (p *PostgresProxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		if !p.admit() {
			reset(client)
			continue
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil { // it is down, and the client sees that
			reset(client)
			continue
		}
		p.connect(client, server)
	}
}

// admit counts a connection and says whether it may go on.
func (p *PostgresProxy) admit() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refusing {
		p.counts.Refused++
		return false
	}
	p.counts.Connections++
	return true
}

func (p *PostgresProxy) connect(client, server net.Conn) {
	l := &link{proxy: p, client: client, server: server, done: make(chan struct{}), dialogue: newDialogue()}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		reset(client)
		reset(server)
		return
	}
	p.links[l] = struct{}{}
	p.working.Go(l.run)
}

func (p *PostgresProxy) forget(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}

// decide asks the test what is to become of a commit.
func (p *PostgresProxy) decide(c Commit) Cut {
	p.mu.Lock()
	p.counts.Commits++
	c.Number = p.counts.Commits
	f := p.onCommit
	p.mu.Unlock()
	if f == nil {
		return NoCut
	}
	return f(c)
}

// spend says how many of n bytes the server may still say before a cut.
func (p *PostgresProxy) spend(n int) (allowed int, cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.budget == nil {
		return n, false
	}
	if int64(n) <= *p.budget {
		*p.budget -= int64(n)
		return n, false
	}
	allowed = int(*p.budget)
	p.budget = nil
	return allowed, true
}

func (p *PostgresProxy) countCut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts.Cuts++
}

// flow waits until bytes may flow, and says whether the link is still there.
func (p *PostgresProxy) flow(done <-chan struct{}) bool {
	p.mu.Lock()
	flowing := p.flowing
	p.mu.Unlock()
	select {
	case <-flowing:
		return true
	case <-done:
		return false
	}
}

func (p *PostgresProxy) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	if err := p.listener.Close(); err != nil {
		p.t.Errorf("close the proxy: %v", err)
	}
	for _, l := range p.open() {
		l.close()
	}
	p.working.Wait()
}
