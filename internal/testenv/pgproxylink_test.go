package testenv

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"testing/iotest"
)

// said makes a message with a body of zero-terminated texts.
func said(kind byte, texts ...string) message {
	m := message{kind, 0, 0, 0, 0}
	for _, text := range texts {
		m = append(append(m, text...), 0)
	}
	m[4] = byte(len(m) - 1)
	return m
}

// eagerServer replies to a commit before it has read the last byte of it, which
// no real server does: the reply is there at the earliest moment.
type eagerServer struct {
	net.Conn
	before, eager message // what it says to all that comes before, and to the commit
	oneByOne      bool
}

// serve reads as many messages, the last of which is to be the commit, and says
// what it got.
func (s *eagerServer) serve(n int) ([]byte, error) {
	b := bufio.NewReader(iotest.OneByteReader(s)) // it never reads ahead
	var kinds []byte
	for range n - 1 {
		m, err := readMessage(b)
		if err != nil {
			return kinds, err
		}
		kinds = append(kinds, m.kind())
	}
	if err := s.say(s.before); err != nil {
		return kinds, err
	}
	kind, err := b.Peek(1)
	if err != nil {
		return kinds, err
	}
	kinds = append(kinds, kind[0])
	if err := s.say(s.eager); err != nil {
		return kinds, err
	}
	_, err = readMessage(b)
	return kinds, err
}

func (s *eagerServer) say(m message) error {
	if !s.oneByOne {
		_, err := s.Write(m)
		return err
	}
	for _, b := range m {
		if _, err := s.Write([]byte{b}); err != nil {
			return err
		}
	}
	return nil
}

// TestCommitCutDuringGivesNoReply has the server's reply to a commit come before
// the proxy is done with passing the commit on.
func TestCommitCutDuringGivesNoReply(t *testing.T) {
	t.Parallel()
	bind := func(text string) []message { return []message{said('P', "", text), said('B', "", ""), said('E', "")} }
	begin := said('Q', "begin")
	reply := slices.Concat(said('C', "COMMIT"), said('Z'), said('C', "COMMIT"), said('Z'))
	for name, asked := range map[string][]message{
		"simple query":             {begin, said('Q', "insert"), said('Q', "commit")},
		"one simple query for all": {said('Q', "begin; insert; commit")},
		"prepared":                 append([]message{begin}, bind("commit")...),
		"pipeline":                 slices.Concat(bind("begin"), bind("insert"), bind("commit")),
		"statement by itself":      append(bind("insert"), syncMessage),
		"simple query by itself":   {said('Q', "insert")},
	} {
		for _, oneByOne := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				cutDuring(t, asked, said('N', "before"), reply, oneByOne)
			})
		}
	}
}

// cutDuring says what is asked, as one write or byte by byte, and checks what
// gets through.
func cutDuring(t *testing.T, asked []message, before, eager message, oneByOne bool) {
	t.Helper()
	p := newPostgresProxy(t, "")
	p.OnCommit(func(Commit) Cut { return CutDuringCommit })
	client, clientSide := net.Pipe()
	serverSide, server := net.Pipe()
	p.connect(clientSide, serverSide)
	t.Cleanup(p.working.Wait)

	all := slices.Concat(asked...)
	start := []byte{0, 0, 0, 8, 0, 3, 0, 0}
	p.working.Go(func() {
		defer func() { _ = server.Close() }() // it may be closed
		if _, err := io.ReadFull(server, make([]byte, len(start))); err != nil {
			t.Errorf("the server gets no start: %v", err)
			return
		}
		s := &eagerServer{Conn: server, before: before, eager: eager, oneByOne: oneByOne}
		kinds, err := s.serve(len(asked))
		if err != nil || len(kinds) != len(asked) || kinds[len(kinds)-1] != asked[len(asked)-1].kind() {
			t.Errorf("the server gets %q: %v", kinds, err)
		}
	})
	p.working.Go(func() {
		r := io.Reader(bytes.NewReader(append(start, all...)))
		if oneByOne {
			r = iotest.OneByteReader(r)
		}
		if _, err := io.Copy(client, r); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("the client can't ask: %v", err)
		}
	})
	got, err := io.ReadAll(client)
	if err != nil {
		t.Error(err)
	}
	if len(got) > 0 && string(got) != string(before) {
		t.Errorf("the client gets %q", got)
	}
	if counts := p.Counts(); counts.Commits != 1 || counts.Cuts != 1 {
		t.Errorf("the proxy counts %+v", counts)
	}
}
