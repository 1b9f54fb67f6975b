package testenv

import (
	"net"
	"sync"
	"testing"
)

// proxy stands between the clients of a server and the server, and breaks what
// goes through, whatever the protocol.
type proxy struct {
	t        testing.TB
	target   string
	listener net.Listener
	working  sync.WaitGroup
	// carries gives what carries the two directions of a link, each until it
	// ends.
	carries func(*link) (forward, backward func())

	mu       sync.Mutex
	closed   bool
	refusing bool
	asking   chan struct{} // closed while what clients say flows
	telling  chan struct{} // closed while what the server says flows
	budget   *int64        // what the server may still say before a cut; nil: anything
	links    map[*link]struct{}
	counts   ProxyCounts
}

// ProxyCounts is what a proxy has seen.
type ProxyCounts struct {
	Connections int // accepted and not refused
	Refused     int // connections
	Open        int // connections, now
	Cuts        int // connections broken by the proxy
}

func newProxy(t testing.TB, target string, carries func(*link) (forward, backward func())) *proxy {
	p := &proxy{
		t: t, target: target, carries: carries,
		asking: make(chan struct{}), telling: make(chan struct{}), links: make(map[*link]struct{}),
	}
	close(p.asking)
	close(p.telling)
	return p
}

// listen takes connections until the test's end, and gives the address.
func (p *proxy) listen() string {
	p.t.Helper()
	var err error
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		p.t.Fatal(err)
	}
	p.working.Go(p.accept)
	p.t.Cleanup(p.close)
	return p.listener.Addr().String()
}

// CutAfterBytes breaks, once, the connection on which the server's answers,
// those of all connections taken together, come to more than n bytes from now
// on, in the middle of what it says.
func (p *proxy) CutAfterBytes(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.budget = &n
}

// CutAll breaks every open connection, on both sides.
func (p *proxy) CutAll() {
	for _, l := range p.open() {
		l.cut()
	}
}

// Stall holds back every byte in both directions, and what new connections
// say, until Resume. Nobody is told.
func (p *proxy) Stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asking = held(p.asking)
	p.telling = held(p.telling)
}

// StallAnswers holds back what the server says, until Resume. What clients ask
// for reaches it.
func (p *proxy) StallAnswers() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.telling = held(p.telling)
}

// held is a gate that is shut: the same if it was.
func held(gate chan struct{}) chan struct{} {
	select {
	case <-gate:
		return make(chan struct{})
	default:
		return gate
	}
}

// Refuse breaks new connections at once, until Resume. Those that are open
// stay.
func (p *proxy) Refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusing = true
}

// Resume ends Stall, StallAnswers and Refuse.
func (p *proxy) Resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusing = false
	for _, gate := range []chan struct{}{p.asking, p.telling} {
		select {
		case <-gate:
		default:
			close(gate)
		}
	}
}

func (p *proxy) open() []*link {
	p.mu.Lock()
	defer p.mu.Unlock()
	links := make([]*link, 0, len(p.links))
	for l := range p.links {
		links = append(links, l)
	}
	return links
}

func (p *proxy) accept() {
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
func (p *proxy) admit() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refusing {
		p.counts.Refused++
		return false
	}
	p.counts.Connections++
	return true
}

func (p *proxy) connect(client, server net.Conn) {
	l := &link{proxy: p, client: client, server: server, done: make(chan struct{})}
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

func (p *proxy) forget(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}

// spend says how many of n bytes the server may still say before a cut.
func (p *proxy) spend(n int) (allowed int, cut bool) {
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

func (p *proxy) countCut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts.Cuts++
}

// seen is the counts as they are now.
func (p *proxy) seen() ProxyCounts {
	p.mu.Lock()
	defer p.mu.Unlock()
	counts := p.counts
	counts.Open = len(p.links)
	return counts
}

func (p *proxy) close() {
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
