package testenv

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// respValue is one command or one reply of RESP 2 or 3, as it is on the wire.
// Attributes, which a server sends only to who debugs it, are not known.
type respValue []byte

// pushed says that the server said it unasked.
func (v respValue) pushed() bool { return v[0] == '>' }

// failed says that the server refuses.
func (v respValue) failed() bool { return v[0] == '-' || v[0] == '!' }

// words are a command's; none if it is no command.
func (v respValue) words() []string {
	if v[0] != '*' { // as a person types it
		return strings.Fields(string(v))
	}
	command, err := readReply(bufio.NewReader(bytes.NewReader(v)))
	list, _ := command.([]any)
	if err != nil {
		return nil
	}
	words := make([]string, 0, len(list))
	for _, one := range list {
		word, _ := one.(string)
		words = append(words, word)
	}
	return words
}

// readValue reads one, whole.
func readValue(r *bufio.Reader) (v respValue, err error) {
	for left := 1; left > 0; left-- {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return v, err
		}
		v = append(v, line...)
		blob, values, err := respSize(line)
		if err != nil {
			return v, err
		}
		left += values
		if blob > 0 {
			begun := len(v)
			v = append(v, make([]byte, blob)...)
			if _, err := io.ReadFull(r, v[begun:]); err != nil {
				return v, err
			}
		}
	}
	return v, nil
}

// respSize says how many bytes and how many values follow a value's first line
// and belong to it.
func respSize(line []byte) (blob, values int, err error) {
	kind := line[0]
	if !strings.ContainsRune("$!=*~>%", rune(kind)) {
		return 0, 0, nil
	}
	n, err := strconv.Atoi(strings.TrimRight(string(line[1:]), "\r\n"))
	switch {
	case err != nil:
		return 0, 0, fmt.Errorf("no length in RESP: %q", line)
	case n < 0: // null
		return 0, 0, nil
	case strings.ContainsRune("$!=", rune(kind)):
		return n + 2, 0, nil
	case kind == '%':
		return 0, 2 * n, nil
	}
	return 0, n, nil
}
