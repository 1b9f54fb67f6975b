package transfer

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"larder/api"
	"larder/cmd/larder/internal/remote"
)

func page(changes ...api.Change) api.ChangePage { return api.ChangePage{Items: changes} }

// exported gives the keys of the lines, "-" before those of deletions.
func exported(t *testing.T, out string) string {
	t.Helper()
	var keys []string
	for text := range strings.Lines(out) {
		line, err := ParseLine([]byte(text), "")
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		key := *line.Key
		if line.Deleted {
			key = "-" + key
		}
		keys = append(keys, key)
	}
	return strings.Join(keys, " ")
}

func TestWholeExportLeavesOldDeletionsOut(t *testing.T) {
	larder, client := newFake(t)
	larder.pages["t"] = []api.ChangePage{
		page(drop("old"), put("a", "1"), put("b", "2")),
		page(put("c", "3"), drop("a")), // a went while the table was read
	}
	var out bytes.Buffer
	lines := 0
	done, err := Export{Client: client, Progress: func(n int) { lines += n }}.Run(t.Context(), &out)
	if err != nil {
		t.Fatal(err)
	}
	if got := exported(t, out.String()); got != "a b c -a" {
		t.Errorf("got %s", got)
	}
	if done.Entries != 3 || done.Deletions != 1 || done.Tables != 1 || done.Cursors["t"] != "page-2" || lines != 4 {
		t.Errorf("got %+v and %d lines", done, lines)
	}
}

func TestExportSinceHasEveryDeletion(t *testing.T) {
	larder, client := newFake(t)
	larder.pages["t"] = []api.ChangePage{page(put("a", "1")), page(drop("never seen"), put("b", "2"))}
	var out bytes.Buffer
	since := map[string]string{"t": "page-1"}
	done, err := Export{Client: client, Tables: []string{"t"}, Since: since}.Run(t.Context(), &out)
	if err != nil {
		t.Fatal(err)
	}
	if got := exported(t, out.String()); got != "-never seen b" {
		t.Errorf("got %s", got)
	}
	if done.Cursors["t"] != "page-2" || since["t"] != "page-1" {
		t.Errorf("got %v from %v", done.Cursors, since)
	}
}

func TestExportSinceReadsTablesThatAreNoLongerListed(t *testing.T) {
	larder, client := newFake(t)
	larder.pages["t"] = []api.ChangePage{page(put("a", "1")), page(drop("a"))}
	larder.unlisted = map[string]bool{"t": true}
	var out bytes.Buffer
	done, err := Export{Client: client, Since: map[string]string{"t": "page-1"}}.Run(t.Context(), &out)
	if got := exported(t, out.String()); err != nil || got != "-a" || done.Tables != 1 {
		t.Errorf("got %s, %+v, %v", got, done, err)
	}
}

// brokenPipe fails after so many writes.
type brokenPipe struct {
	bytes.Buffer
	left int
}

var errBroken = errors.New("broken pipe")

func (b *brokenPipe) Write(p []byte) (int, error) {
	if b.left--; b.left < 0 {
		return 0, errBroken
	}
	return b.Buffer.Write(p)
}

func TestBrokenExportGoesOnFromItsCursors(t *testing.T) {
	larder, client := newFake(t)
	larder.pages["t"] = []api.ChangePage{page(put("a", "1")), page(put("b", "2")), page(put("c", "3"))}
	pipe := &brokenPipe{left: 1}
	done, err := Export{Client: client}.Run(t.Context(), pipe)
	if !errors.Is(err, errBroken) || done.Cursors["t"] != "page-1" || done.Entries != 1 {
		t.Fatalf("got %+v, %v", done, err)
	}
	pipe.left = 10
	if _, err = (Export{Client: client, Since: done.Cursors}).Run(t.Context(), pipe); err != nil {
		t.Fatal(err)
	}
	if got := exported(t, pipe.String()); got != "a b c" {
		t.Errorf("together they give %s", got)
	}
}

func TestExportTellsOfAForgottenCursor(t *testing.T) {
	_, client := newFake(t)
	_, err := Export{Client: client, Tables: []string{"t"}, Since: map[string]string{"t": "ancient"}}.Run(t.Context(), &bytes.Buffer{})
	if p, ok := errors.AsType[*remote.Problem](err); !ok || p.Code != "compacted" || !strings.Contains(err.Error(), "table t") {
		t.Errorf("got %v", err)
	}
}
