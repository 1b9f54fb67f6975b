package testenv

import (
	"bufio"
	"net"
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

// postgresLink is one connection to PostgreSQL through the proxy.
type postgresLink struct {
	*link
	postgres *PostgresProxy
	unheard  atomic.Bool // nothing that the server says goes to the client any more
	dialogue *dialogue
}

// forward carries what the client says.
func (l *postgresLink) forward() {
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
			if !l.commit(m, l.postgres.decide(c)) {
				return
			}
			continue
		}
		if !l.ask(m) {
			break
		}
	}
	l.close()
}

// start carries the first messages, which have no type, and says whether the
// session has begun.
func (l *postgresLink) start(r *bufio.Reader) bool {
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
		return l.ask(m)
	}
}

// commit passes a commit on, or breaks the connection in the way asked for. It
// says whether the client may go on talking.
func (l *postgresLink) commit(m message, cut Cut) bool {
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
		ok := l.ask(m) && (m.kind() != 'E' || l.ask(syncMessage))
		reset(l.client)
		if tcp, is := l.server.(*net.TCPConn); ok && is {
			_ = tcp.CloseWrite() // the server reads the commit, then the end
		}
		return false // the way back reads on until the server is done
	case CutAfterCommit:
		l.dialogue.muffle(m)
	case NoCut:
	}
	return l.ask(m)
}

// backward carries what the server says.
func (l *postgresLink) backward() {
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
		if !l.told() {
			return
		}
		if l.unheard.Load() {
			drain(r)
			return
		}
		if !l.tell(m, r) {
			return
		}
	}
}
