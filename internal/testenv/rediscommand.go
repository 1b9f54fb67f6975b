package testenv

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// redisTimeout bounds a command.
const redisTimeout = 30 * time.Second

// RedisError is a reply of Redis that says what is wrong, as "ERR no such key".
type RedisError string

func (e RedisError) Error() string { return string(e) }

// Do has the server carry out a command, on a connection of its own, and gives
// the reply: a string, an int64, nil, or an []any of these.
func (s *RedisServer) Do(t testing.TB, command ...string) any {
	t.Helper()
	reply, err := s.Try(command...)
	if err != nil {
		t.Fatalf("%s: %v", strings.Join(command, " "), err)
	}
	return reply
}

// Try is Do where the command may fail: with a RedisError if the server says
// so.
func (s *RedisServer) Try(command ...string) (reply any, err error) {
	deadline := time.Now().Add(redisTimeout)
	conn, err := net.DialTimeout("tcp", s.Address, redisTimeout)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, err
	}
	if s.tls != nil {
		conn = tls.Client(conn, s.tls)
	}
	r := bufio.NewReader(conn)
	if s.password != "" {
		if _, err := ask(conn, r, []string{"AUTH", s.password}); err != nil {
			return nil, err
		}
	}
	return ask(conn, r, command)
}

// Info gives the fields of a section of INFO.
func (s *RedisServer) Info(t testing.TB, section string) map[string]string {
	t.Helper()
	text, _ := s.Do(t, "INFO", section).(string)
	return infoFields(text)
}

// infoFields reads lines of name:value.
func infoFields(text string) map[string]string {
	fields := make(map[string]string)
	for line := range strings.Lines(text) {
		if name, value, found := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); found {
			fields[name] = value
		}
	}
	return fields
}

// ask sends one command in RESP and reads the reply.
func ask(w io.Writer, r *bufio.Reader, command []string) (any, error) {
	text := fmt.Appendf(nil, "*%d\r\n", len(command))
	for _, word := range command {
		text = fmt.Appendf(text, "$%d\r\n%s\r\n", len(word), word)
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	return readReply(r)
}

// readReply reads a reply in RESP 2.
func readReply(r *bufio.Reader) (any, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	line = strings.TrimSuffix(line, "\r\n")
	if line == "" {
		return nil, errors.New("an empty line where a reply was to be")
	}
	kind, rest := line[0], line[1:]
	switch kind {
	case '+':
		return rest, nil
	case '-':
		return nil, RedisError(rest)
	}
	n, err := strconv.ParseInt(rest, 10, 64)
	switch {
	case err != nil:
		return nil, fmt.Errorf("no reply of Redis: %q", line)
	case kind == ':':
		return n, nil
	case n < 0:
		return nil, nil //nolint:nilnil // as Redis says it
	case kind == '$':
		text := make([]byte, n+2)
		_, err := io.ReadFull(r, text)
		return string(text[:n]), err
	case kind == '*':
		return readReplies(r, int(n))
	}
	return nil, fmt.Errorf("no reply of Redis: %q", line)
}

// readReplies reads the elements of an array. An error among them is one more
// element.
func readReplies(r *bufio.Reader, n int) ([]any, error) {
	all := make([]any, n)
	for i := range all {
		one, err := readReply(r)
		var said RedisError
		switch {
		case errors.As(err, &said):
			one = said
		case err != nil:
			return nil, err
		}
		all[i] = one
	}
	return all, nil
}
