package testenv

import (
	"bufio"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// Commit is a transaction's end, on its way to the server.
type Commit struct {
	Number   int  // of the proxy's commits, from 1
	Implicit bool // a writing statement outside of a transaction block, which ends with its Sync
	// Statements are those of the transaction as far as they came with
	// statements of their own: the text, or the text that was prepared.
	Statements []string
}

// Cut says how a connection breaks.
type Cut uint8

// The cuts. To the client they look alike: it has asked for a commit, and the
// connection breaks.
const (
	NoCut Cut = iota
	// CutBeforeCommit: the server does not get to hear of the commit, and
	// sees the connection close.
	CutBeforeCommit
	// CutDuringCommit: the server gets the commit, and the client's side
	// breaks at the same moment, with nothing of the reply, however fast.
	CutDuringCommit
	// CutAfterCommit: the server has committed and said so; the client does
	// not get to hear of it. Where the server refuses to commit, nothing is
	// cut.
	CutAfterCommit
	// AbandonBeforeCommit: the server does not get to hear of the commit,
	// nor of the break: to it the client is silent, and its locks stay, until
	// the proxy ends or the server ends the connection.
	AbandonBeforeCommit
)

// link is one connection through the proxy.
type link struct {
	proxy          *PostgresProxy
	client, server net.Conn
	once           sync.Once
	done           chan struct{} // closed when both sides are
	unheard        atomic.Bool   // nothing that the server says goes to the client any more

	dialogue *dialogue
}

// run carries both directions and returns when both have ended.
func (l *link) run() {
	defer l.proxy.forget(l)
	var backwards sync.WaitGroup
	backwards.Go(l.backward)
	l.forward()
	backwards.Wait()
	l.close()
}

// close ends both sides in order.
func (l *link) close() {
	l.once.Do(func() {
		close(l.done)
		_ = l.client.Close() // the other side may be gone already
		_ = l.server.Close()
	})
}

// cut breaks both sides.
func (l *link) cut() {
	l.once.Do(func() {
		close(l.done)
		l.proxy.countCut()
		reset(l.client)
		reset(l.server)
	})
}

// reset closes a connection so that the other side sees it break.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a connection that is gone needs no reset
	}
	_ = c.Close() // the other side may be gone already
}

// forward carries what the client says.
func (l *link) forward() {
	r := bufio.NewReaderSize(l.client, 32<<10)
	if !l.start(r) {
		l.close()
		return
	}
	for {
		m, err := readMessage(r)
		if err != nil {
			break
		}
		if c, ends := l.dialogue.said(m); ends {
			if !l.commit(m, l.proxy.decide(c)) {
				return
			}
			continue
		}
		if !l.tell(m) {
			break
		}
	}
	l.close()
}

// start carries the first messages, which have no type, and says whether the
// session has begun.
func (l *link) start(r *bufio.Reader) bool {
	for {
		m, err := readStart(r)
		if err != nil {
			return false
		}
		if wantsEncryption(m) {
			if _, err := l.client.Write([]byte{'N'}); err != nil {
				return false
			}
			continue
		}
		return l.tell(m)
	}
}

// tell passes a message on to the server.
func (l *link) tell(m message) bool {
	if !l.proxy.flow(l.done) {
		return false
	}
	_, err := l.server.Write(m)
	return err == nil
}

// commit passes a commit on, or breaks the connection in the way asked for. It
// says whether the client may go on talking.
func (l *link) commit(m message, cut Cut) bool {
	switch cut {
	case CutBeforeCommit:
		l.proxy.countCut()
		reset(l.client)
		l.close()
		return false
	case AbandonBeforeCommit:
		l.proxy.countCut()
		reset(l.client)
		return false // the way back waits for the server's end
	case CutDuringCommit:
		l.unheard.Store(true) // the reply may be here before the client's side is broken
		l.proxy.countCut()
		// The Sync that makes the server answer follows an Execute.
		ok := l.tell(m) && (m.kind() != 'E' || l.tell(syncMessage))
		reset(l.client)
		if tcp, is := l.server.(*net.TCPConn); ok && is {
			_ = tcp.CloseWrite() // the server reads the commit, then the end
		}
		return false // the way back reads on until the server is done
	case CutAfterCommit:
		l.dialogue.muffle(m)
	case NoCut:
	}
	return l.tell(m)
}

// backward carries what the server says.
func (l *link) backward() {
	defer l.close()
	r := bufio.NewReaderSize(l.server, 32<<10)
	for {
		m, err := readMessage(r)
		if err != nil {
			return
		}
		if l.dialogue.answered(m) {
			l.cut()
			return
		}
		if !l.proxy.flow(l.done) {
			return
		}
		if l.unheard.Load() {
			drain(r)
			return
		}
		n, cut := l.proxy.spend(len(m))
		if _, err := l.client.Write(m[:n]); err != nil {
			drain(r)
			return
		}
		if cut {
			l.cut()
			return
		}
	}
}

// drain reads on until the server ends too: the client is gone, and what it
// asked for is still carried out.
func drain(server io.Reader) {
	_, _ = io.Copy(io.Discard, server) // however it ends
}
