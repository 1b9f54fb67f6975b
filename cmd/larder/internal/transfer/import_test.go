package transfer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"larder/api"
)

// numbered is lines that put keys k0, k1, … once around, and again.
func numbered(lines, keys int) string {
	var b strings.Builder
	for i := range lines {
		fmt.Fprintf(&b, `{"key": "k%d", "value": %d}`+"\n", i%keys, i)
	}
	return b.String()
}

func TestImportKeepsTheOrderOfEachKey(t *testing.T) {
	larder, client := newFake(t)
	const lines, keys = 6000, 37
	read := 0
	done, err := Import{Client: client, Table: "t", Progress: func(n int) { read += n }}.Run(t.Context(), strings.NewReader(numbered(lines, keys)))
	if err != nil || done.Entries != lines || done.Next != lines+1 {
		t.Fatalf("got %+v, %v", done, err)
	}
	for i := range keys {
		last := lines - keys + i
		if got, want := larder.values[ref{"t", fmt.Sprintf("k%d", last%keys)}], strconv.Itoa(last); got != want {
			t.Errorf("k%d is %s, want %s", last%keys, got, want)
		}
	}
	if read != len(numbered(lines, keys)) {
		t.Errorf("%d bytes were read, want %d", read, len(numbered(lines, keys)))
	}
	if larder.most > batchLines || larder.batches > lines/batchLines+lanes {
		t.Errorf("%d batches with up to %d operations", larder.batches, larder.most)
	}
}

func TestImportSkipsExpiredAndBlankLinesAndDeletes(t *testing.T) {
	larder, client := newFake(t)
	past, future := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339), time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	done, err := Import{Client: client, Table: "t"}.Run(t.Context(), strings.NewReader(
		`{"key": "gone", "value": 1, "expires_at": "`+past+`"}`+"\n\n   \n"+
			`{"key": "here", "value": 1, "expires_at": "`+future+`"}`+"\r\n"+
			`{"key": "x", "value": 1}`+"\n"+`{"key": "x", "deleted": true}`))
	want := Imported{Entries: 2, Deletions: 1, Expired: 1, Next: 7}
	if err != nil || done != want {
		t.Errorf("got %+v (%v), want %+v", done, err, want)
	}
	if len(larder.values) != 1 || larder.values[ref{"t", "here"}] != "1" {
		t.Errorf("got %v", larder.values)
	}
}

func TestBadLineStopsThereAndCanBeResumed(t *testing.T) {
	larder, client := newFake(t)
	lines := strings.Split(numbered(3000, 3000), "\n")
	lines[1499] = `{"key": "k1499", "valeu": 1499}`
	in := Import{Client: client, Table: "t"}
	done, err := in.Run(t.Context(), strings.NewReader(strings.Join(lines, "\n")))
	if wrong, ok := errors.AsType[LineError](err); !ok || wrong.Line != 1500 || !strings.Contains(err.Error(), `"valeu" is unknown`) {
		t.Fatalf("got %v", err)
	}
	if done.Next != 1500 || done.Entries != 1499 || len(larder.values) != 1499 {
		t.Fatalf("got %+v with %d entries", done, len(larder.values))
	}

	lines[1499] = `{"key": "k1499", "value": 1499}`
	in.From = done.Next
	done, err = in.Run(t.Context(), strings.NewReader(strings.Join(lines, "\n")))
	if err != nil || done.Entries != 1501 || len(larder.values) != 3000 {
		t.Errorf("got %+v, %v, with %d entries", done, err, len(larder.values))
	}
}

func TestRefusedLineStopsThere(t *testing.T) {
	larder, client := newFake(t)
	larder.refuse1 = func(op api.BatchOperation) *api.Problem {
		if op.Key == "k700" {
			return problem(http.StatusPreconditionRequired, "precondition_required")
		}
		return nil
	}
	done, err := Import{Client: client, Table: "t"}.Run(t.Context(), strings.NewReader(numbered(5000, 5000)))
	if wrong, ok := errors.AsType[LineError](err); !ok || wrong.Line != 701 {
		t.Fatalf("got %v", err)
	}
	if done.Next > 701 || done.Failed != 1 {
		t.Errorf("got %+v", done)
	}
	for i := range done.Next - 1 {
		if _, ok := larder.values[ref{"t", fmt.Sprintf("k%d", i)}]; !ok {
			t.Fatalf("line %d is not done, and resuming at %d leaves it out", i+1, done.Next)
		}
	}
}

func TestContinueOnErrorReportsEveryBadLine(t *testing.T) {
	larder, client := newFake(t)
	larder.refuse1 = func(op api.BatchOperation) *api.Problem {
		if op.Key == "k3" {
			return problem(http.StatusBadRequest, "invalid_key")
		}
		return nil
	}
	// A batch with k5 is refused as a whole, as for a body that can't be read.
	larder.refuse = func(ops []api.BatchOperation) *api.Problem {
		for _, op := range ops {
			if op.Key == "k5" {
				return problem(http.StatusBadRequest, "invalid_body")
			}
		}
		return nil
	}
	text := strings.Replace(numbered(2000, 2000), `"k1"`, `nonsense`, 1)
	reported := make(chan LineError, 10)
	done, err := Import{
		Client: client, Table: "t", ContinueOnError: true,
		Report: func(e LineError) { reported <- e },
	}.Run(t.Context(), strings.NewReader(text))
	close(reported)
	lines := make(map[int]string)
	for e := range reported {
		lines[e.Line] = e.Error()
	}
	if err != nil || done.Failed != 3 || done.Entries != 1997 || done.Next != 2001 || len(larder.values) != 1997 {
		t.Errorf("got %+v, %v", done, err)
	}
	for line, want := range map[int]string{2: "not JSON", 4: "invalid_key", 6: "invalid_body"} {
		if !strings.Contains(lines[line], want) {
			t.Errorf("line %d: %q, want %s", line, lines[line], want)
		}
	}
}

func TestTooLargeBatchesAreHalved(t *testing.T) {
	larder, client := newFake(t)
	larder.refuse = func(ops []api.BatchOperation) *api.Problem {
		if len(ops) > 10 {
			return problem(http.StatusRequestEntityTooLarge, "too_large")
		}
		return nil
	}
	done, err := Import{Client: client, Table: "t"}.Run(t.Context(), strings.NewReader(numbered(500, 50)))
	if err != nil || done.Entries != 500 || larder.values[ref{"t", "k49"}] != "499" {
		t.Errorf("got %+v, %v, k49 is %s", done, err, larder.values[ref{"t", "k49"}])
	}
}

func TestWhatMaySucceedLaterIsTriedAgain(t *testing.T) {
	larder, client := newFake(t)
	var whole int
	seen := make(map[string]bool) // each of these is refused once
	larder.refuse = func([]api.BatchOperation) *api.Problem {
		if whole++; whole%3 == 2 {
			return problem(http.StatusServiceUnavailable, "unavailable")
		}
		return nil
	}
	larder.refuse1 = func(op api.BatchOperation) *api.Problem {
		if text := string(op.Value); strings.HasSuffix(text, "99") && !seen[text] {
			seen[text] = true
			return problem(http.StatusServiceUnavailable, "unavailable")
		}
		return nil
	}
	const lines, keys = 2000, 10
	done, err := Import{Client: client, Table: "t"}.Run(t.Context(), strings.NewReader(numbered(lines, keys)))
	if err != nil || done.Entries != lines || done.Failed != 0 {
		t.Errorf("got %+v, %v", done, err)
	}
	for i := range keys {
		if got, want := larder.values[ref{"t", fmt.Sprintf("k%d", i)}], strconv.Itoa(lines-keys+i); got != want {
			t.Errorf("k%d is %s, want %s: what was tried again came after a later line", i, got, want)
		}
	}
}

func TestImportEndsWithItsContext(t *testing.T) {
	larder, client := newFake(t)
	ctx, cancel := context.WithCancel(t.Context())
	larder.refuse = func([]api.BatchOperation) *api.Problem {
		cancel()
		return problem(http.StatusServiceUnavailable, "unavailable")
	}
	done, err := Import{Client: client, Table: "t"}.Run(ctx, strings.NewReader(numbered(10_000, 10_000)))
	if !errors.Is(err, context.Canceled) || done.Next != 1 {
		t.Errorf("got %+v, %v", done, err)
	}
}

func TestNobodyIsNotWaitedFor(t *testing.T) {
	larder, client := newFake(t)
	larder.server.Close()
	began := time.Now()
	done, err := Import{Client: client, Table: "t"}.Run(t.Context(), strings.NewReader(numbered(10, 10)))
	if err == nil || done.Next != 1 || time.Since(began) > 10*time.Second {
		t.Errorf("got %+v, %v after %v", done, err, time.Since(began))
	}
}
