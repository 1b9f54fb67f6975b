package testenv

import (
	"bufio"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestRESPValuesAreReadWhole(t *testing.T) {
	t.Parallel()
	values := []string{
		"+OK\r\n", "-ERR no\r\n", ":-7\r\n", "_\r\n", "#t\r\n", ",1.5\r\n", "(12345678901234567890\r\n",
		"$5\r\na\r\nb:\r\n", "$0\r\n\r\n", "$-1\r\n", "!5\r\nERR x\r\n", "=7\r\ntxt:abc\r\n",
		"*0\r\n", "*-1\r\n", "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", "*2\r\n*1\r\n:1\r\n*2\r\n+a\r\n$-1\r\n",
		"~2\r\n:1\r\n:2\r\n", "%2\r\n+a\r\n*1\r\n:1\r\n+b\r\n_\r\n", ">3\r\n+message\r\n+c\r\n$1\r\nm\r\n",
		"PING now\r\n",
	}
	all := strings.Join(values, "")
	for name, r := range map[string]io.Reader{
		"at once":      strings.NewReader(all),
		"byte by byte": iotest.OneByteReader(strings.NewReader(all)),
	} {
		b := bufio.NewReader(r)
		for _, want := range values {
			if got, err := readValue(b); string(got) != want || err != nil {
				t.Fatalf("%s: %q is read as %q: %v", name, want, got, err)
			}
		}
		if _, err := readValue(b); !errors.Is(err, io.EOF) {
			t.Errorf("%s: after the last one: %v", name, err)
		}
	}
	for _, text := range []string{"*x\r\n", "$1\r\n", "*2\r\n+a\r\n", "+OK"} {
		if got, err := readValue(bufio.NewReader(strings.NewReader(text))); err == nil {
			t.Errorf("%q is read as %q", text, got)
		}
	}
}

func TestRESPCommandsAreToldApart(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"*2\r\n$3\r\nSET\r\n$6\r\na b\r\nc\r\n": {"SET", "a b\r\nc"},
		"PING now\r\n":                          {"PING", "now"},
		"\r\n":                                  {},
	} {
		if got := respValue(text).words(); !slices.Equal(got, want) {
			t.Errorf("%q has the words %q", text, got)
		}
	}
	for text, want := range map[string][2]bool{"-ERR\r\n": {false, true}, "!1\r\nx\r\n": {false, true}, ">0\r\n": {true, false}, "+OK\r\n": {}} {
		if v := respValue(text); v.pushed() != want[0] || v.failed() != want[1] {
			t.Errorf("%q is pushed: %v, and failed: %v", text, v.pushed(), v.failed())
		}
	}
}
