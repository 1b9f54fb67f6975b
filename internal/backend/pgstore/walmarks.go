package pgstore

import (
	"context"
	"slices"
	"sync"
	"time"
)

// How often the primary and each replica are asked how far they are, and how
// long an answer may take.
const (
	markEvery   = 200 * time.Millisecond
	markTimeout = time.Second
)

// maxMarks bounds what is remembered of the primary: a quarter of an hour or
// more, the older parts ever more coarsely.
const maxMarks = 1024

// walMarks remember when the primary's log had got where. A standby that has
// replayed its log up to a mark shows all that had been committed at that
// mark's time. No clock of another machine goes into that.
//
// A server with synchronous_commit off acknowledges what its log gets up to
// three times wal_writer_delay later; a standby may be so much older.
type walMarks struct {
	mu    sync.Mutex
	marks []walMark // the oldest first
}

// walMark is a place that the primary's log had reached before it was asked.
type walMark struct {
	at       time.Time // by this process, before it asked
	lsn      int64
	timeline int32
	system   int64     // which database cluster it is
	clock    time.Time // the server's
}

// watch asks the primary until the store is closed.
func (m *walMarks) watch(s *Store) {
	primary := &line{config: s.pool.Config().ConnConfig}
	defer primary.close(context.Background())
	s.everyMark(func(ctx context.Context) {
		mark := walMark{at: time.Now()}
		err := primary.ask(ctx, `
select pg_current_wal_lsn() - '0/0'::pg_lsn, ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer,
	(select system_identifier from pg_control_system()), clock_timestamp()`,
			nil, &mark.lsn, &mark.timeline, &mark.system, &mark.clock)
		if err != nil {
			s.options.Logger.Debug().Err(err).Msg("the primary does not say how far its log is")
			return
		}
		m.add(mark)
	})
}

// everyMark does something again and again until the store is closed.
func (s *Store) everyMark(do func(context.Context)) {
	tick := time.NewTicker(markEvery)
	defer tick.Stop()
	for {
		ctx, cancel := context.WithTimeout(s.lifetime, markTimeout)
		do(ctx)
		cancel()
		select {
		case <-tick.C:
		case <-s.lifetime.Done():
			return
		}
	}
}

// add remembers a mark. Where there are too many, of the older half every second
// one is forgotten.
func (m *walMarks) add(mark walMark) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.marks) == maxMarks {
		kept := m.marks[:0]
		for i, old := range m.marks {
			if i >= maxMarks/2 || i%2 == 0 {
				kept = append(kept, old)
			}
		}
		m.marks = kept
	}
	m.marks = append(m.marks, mark)
}

// latest gives the newest mark that a standby of this cluster has reached, and
// false where there is none: its log is of another cluster or another history,
// or it is further behind than is remembered.
func (m *walMarks) latest(system int64, timeline int32, lsn int64) (walMark, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, mark := range slices.Backward(m.marks) {
		if mark.system != system || mark.timeline != timeline {
			return walMark{}, false
		}
		if mark.lsn <= lsn {
			return mark, true
		}
	}
	return walMark{}, false
}
