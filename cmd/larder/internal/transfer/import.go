package transfer

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"larder/api"
)

// Import reads lines and puts what they say into a larder.
//
// Batches go out from several lanes at once; a key always takes the same lane,
// so that of several lines about a key the last one counts. Lines may be
// imported again: that only raises versions.
type Import struct {
	Client          *api.Client
	Table           string // for lines without one
	From            int    // the first line to take, counted from 1; 0: 1
	ContinueOnError bool   // pass over lines that can't be imported

	Progress func(bytes int)   // called as lines are read; may be nil
	Report   func(e LineError) // called for every line that can't be imported; may be nil
}

// Imported is what came of an import. It is told after a failure too.
type Imported struct {
	Entries   int64 `json:"entries"`
	Deletions int64 `json:"deletions"`
	Expired   int64 `json:"expired"` // lines passed over, since their time was up
	Failed    int64 `json:"failed"`

	// Next is the line to go on from: every line before it is done. Some from
	// it on may be done too, which does no harm.
	Next int `json:"next"`
}

// LineError is what is wrong with a line.
type LineError struct {
	Line int
	Err  error
}

// Error names the line.
func (e LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap gives the cause.
func (e LineError) Unwrap() error { return e.Err }

// Bounds of what goes out at once.
const (
	lanes         = 4
	batchLines    = 500
	batchBytes    = 4 << 20
	maxLineLength = 256 << 20
)

// item is a line on its way.
type item struct {
	line int
	op   api.BatchOperation
}

type batch struct {
	items []item
	bytes int
}

// importer is an import under way.
type importer struct {
	Import
	seed     maphash.Seed
	queues   [lanes]chan batch
	filling  [lanes]batch
	progress progress
	answered atomic.Bool // the larder has answered at least once

	stop    chan struct{} // closed at the first failure that ends the import
	once    sync.Once
	failure error
}

// Run imports what r has. The error is a LineError where a line is to blame.
func (in Import) Run(ctx context.Context, r io.Reader) (Imported, error) {
	m := &importer{Import: in, seed: maphash.MakeSeed(), stop: make(chan struct{})}
	m.progress.open = make(map[int]struct{})
	var working sync.WaitGroup
	for i := range m.queues {
		m.queues[i] = make(chan batch, 1)
		working.Go(func() { m.work(ctx, m.queues[i]) })
	}
	next, err := m.read(ctx, r)
	for i := range m.queues {
		m.send(ctx, i)
		close(m.queues[i])
	}
	working.Wait()
	if m.failure != nil {
		err = m.failure
	}
	if err == nil {
		err = ctx.Err()
	}
	return m.progress.summary(next), err
}

// read takes line after line until there is none, or something is wrong. It
// gives the line that it did not take any more.
func (m *importer) read(ctx context.Context, r io.Reader) (next int, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), maxLineLength)
	n := 0
	for lines.Scan() {
		n++
		if m.stopped(ctx) {
			return n, nil
		}
		data := lines.Bytes()
		if m.Progress != nil {
			m.Progress(len(data) + 1)
		}
		if n < m.From || len(bytes.TrimSpace(data)) == 0 {
			continue
		}
		line, err := ParseLine(data, m.Table)
		if err != nil {
			if err := m.failed(LineError{n, err}); err != nil {
				return n, err
			}
			continue
		}
		if line.expired(time.Now()) {
			m.progress.count(func(s *Imported) { s.Expired++ })
			continue
		}
		m.take(ctx, item{n, line.operation()}, len(data))
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return n + 1, LineError{n + 1, fmt.Errorf("longer than %d MiB", maxLineLength>>20)}
	case err != nil:
		return n + 1, fmt.Errorf("can't read: %w", err)
	}
	return n + 1, nil
}

// take puts a line into the batch of its lane.
func (m *importer) take(ctx context.Context, it item, size int) {
	lane := maphash.Comparable(m.seed, ref{it.op.Table, it.op.Key}) % lanes
	b := &m.filling[lane]
	if len(b.items) > 0 && b.bytes+size > batchBytes {
		m.send(ctx, int(lane))
	}
	if len(b.items) == 0 {
		m.progress.begin(it.line)
	}
	b.items = append(b.items, it)
	b.bytes += size
	if len(b.items) == batchLines {
		m.send(ctx, int(lane))
	}
}

// send hands a lane its batch. One that can't go any more stays open.
func (m *importer) send(ctx context.Context, lane int) {
	b := m.filling[lane]
	m.filling[lane] = batch{}
	if len(b.items) == 0 {
		return
	}
	select {
	case m.queues[lane] <- b:
	case <-m.stop:
	case <-ctx.Done():
	}
}

// failed accounts for a line that can't be imported, and gives the error where
// it ends the import.
func (m *importer) failed(e LineError) error {
	if m.Report != nil {
		m.Report(e)
	}
	m.progress.count(func(s *Imported) { s.Failed++ })
	if m.ContinueOnError {
		return nil
	}
	return e
}

// end stops the import.
func (m *importer) end(err error) {
	m.once.Do(func() {
		m.failure = err
		close(m.stop)
	})
}

func (m *importer) stopped(ctx context.Context) bool {
	select {
	case <-m.stop:
		return true
	case <-ctx.Done():
		return true
	default:
		return false
	}
}

func (l Line) expired(now time.Time) bool {
	return l.ExpiresAt != nil && !l.ExpiresAt.After(now)
}

// ref names an entry.
type ref struct{ table, key string }
