package pgstore

import (
	"context"
	"time"
)

// witness is asked what became of a transaction, on a connection of its own:
// those of the pool may all be waiting for the locks that a transaction holds
// whose client is gone.
type witness struct {
	line
	s *Store
}

func (s *Store) newWitness() *witness {
	return &witness{s: s, line: line{config: s.pool.Config().ConnConfig}}
}

// judge asks once. An error says that there was no answer.
func (w *witness) judge(ctx context.Context, was server, t trace) (verdict, error) {
	var status *string
	var started time.Time
	var mine bool
	err := w.ask(ctx, `
select pg_postmaster_start_time(),
	case when $1::xid8 < pg_snapshot_xmax(pg_current_snapshot()) then pg_xact_status($1::xid8) else 'unheard of' end,
	exists (select from `+w.s.sql.entries+` where table_name = $2 and key = $3 and xid = $1::xid8 and sequence | 1 = $4::bigint | 1)`,
		[]any{t.xid, t.ref.Table, t.ref.Key, t.sequence}, &started, &status, &mine)
	if err != nil {
		return pending, err
	}
	if mine {
		return happened, nil
	}
	if status == nil { // too long ago
		return unknowable, nil
	}
	same, single := started.Equal(was.started), w.s.singleServer()
	switch *status {
	case "in progress":
		return pending, nil
	case "aborted":
		if same || single {
			return vanished, nil
		}
	case "committed":
		if same {
			return happened, nil
		}
	case "unheard of": // no transaction so late has ended
		switch {
		case same, w.s.pool.pooled: // it may be committing now; a pooler's connection outlives its server's
			return pending, nil
		case single: // a crash took the id along: it had left nothing on disk
			return vanished, nil
		}
	}
	return unknowable, nil
}

// endSession ends the session that has the transaction open. One that waits for
// a synchronous standby is left alone: ended, it would seem to have committed,
// and the standby might not know.
func (w *witness) endSession(ctx context.Context, xid uint64) error {
	var ended int
	return w.ask(ctx, `
select count(pg_terminate_backend(l.pid))
from pg_locks l join pg_stat_activity a on a.pid = l.pid
where l.locktype = 'transactionid' and l.mode = 'ExclusiveLock' and l.granted and l.transactionid = $1::xid8::xid
	and a.wait_event is distinct from 'SyncRep'`, []any{xid}, &ended)
}
