package testenv

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// message is one message of PostgreSQL's protocol, whole: a type, but for a
// client's first one, a length of four bytes, which counts itself, and a
// body. See "Frontend/Backend Protocol", "Message Formats" in its manual.
type message []byte

const largestMessage = 1 << 30

// syncMessage makes the server end an implicit transaction and answer.
var syncMessage = message{'S', 0, 0, 0, 4}

func (m message) kind() byte { return m[0] }

// text gives the n-th zero-terminated text of the body, from 0, where the body
// begins with texts.
func (m message) text(n int) string {
	rest := m[5:]
	for ; n >= 0; n-- {
		text, after, ok := bytes.Cut(rest, []byte{0})
		if !ok {
			return ""
		}
		if n == 0 {
			return string(text)
		}
		rest = after
	}
	return ""
}

func readMessage(r *bufio.Reader) (message, error) { return readAfter(r, 1) }

// readStart reads one of a client's first messages.
func readStart(r *bufio.Reader) (message, error) { return readAfter(r, 0) }

func readAfter(r *bufio.Reader, typeBytes int) (message, error) {
	head, err := r.Peek(typeBytes + 4)
	if err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint32(head[typeBytes:])
	if length < 4 || length > largestMessage {
		return nil, fmt.Errorf("a message of %d bytes", length)
	}
	m := make(message, typeBytes+int(length))
	_, err = io.ReadFull(r, m)
	return m, err
}

// wantsEncryption says whether a first message asks for TLS or GSSAPI.
func wantsEncryption(m message) bool {
	const tls, gss = 80877103, 80877104
	if len(m) != 8 {
		return false
	}
	code := binary.BigEndian.Uint32(m[4:])
	return code == tls || code == gss
}
