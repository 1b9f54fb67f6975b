package pgstore

import (
	"context"
	"errors"
	"time"

	"larder/internal/store"
)

// runPlain does plain puts as one statement.
func (s *Store) runPlain(ctx context.Context, group []*pendingWrite) {
	ops := opsOf(group)
	sortOps(ops)
	p := s.newPlainPuts(ops)
	err := s.transactFor(ctx, group, p)
	if err != nil {
		s.runFailed(ctx, group, err, &s.writes.plain, s.runPlain)
		return
	}
	s.tallies.requests.Add(int64(len(group)))
	s.tallies.entries.Add(int64(len(group)))
	found := make(map[store.Ref]int, len(ops))
	for i := range p.results {
		found[p.results[i].Entry.Ref] = i
	}
	for _, w := range group {
		w.finish(p.results[found[w.op.Ref]], nil)
	}
}

// runOther does writes that depend on what is there.
func (s *Store) runOther(ctx context.Context, group []*pendingWrite) {
	l := s.newLockedOps(opsOf(group), false, false)
	err := s.transactFor(ctx, group, l)
	if err != nil {
		s.runFailed(ctx, group, err, &s.writes.other, s.runOther)
		return
	}
	s.count(len(group), l.changed)
	for i, w := range group {
		w.finish(l.results[i], l.failures[i])
	}
}

func opsOf(group []*pendingWrite) []*store.Op {
	ops := make([]*store.Op, len(group))
	for i, p := range group {
		ops[i] = p.op
	}
	return ops
}

// transactFor bounds the transaction by the nearest deadline of its writes.
func (s *Store) transactFor(ctx context.Context, group []*pendingWrite, w work) error {
	var nearest time.Time
	for _, p := range group {
		if !p.deadline.IsZero() && (nearest.IsZero() || p.deadline.Before(nearest)) {
			nearest = p.deadline
		}
	}
	if !nearest.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, nearest)
		defer cancel()
	}
	return s.transact(ctx, w)
}

// runFailed sees to a group that was not done. Where the server refused it, the
// fault may be one write's, and each is tried by itself: the others go through.
// Where there is no server to ask, that goes for all, those that wait too.
func (s *Store) runFailed(ctx context.Context, group []*pendingWrite, err error, l *lanes, run func(context.Context, []*pendingWrite)) {
	domain := s.internal(err)
	code := store.CodeOf(domain)
	switch {
	case code == store.Unavailable || code == store.Ambiguous:
		if code == store.Unavailable {
			l.refuse(domain) // before anybody who is told can ask again
		}
		for _, p := range group {
			p.finish(store.Result{}, domain)
		}
	case len(group) > 1:
		for i := range group {
			run(ctx, group[i:i+1])
		}
	default:
		p := group[0]
		results, err := s.conflict(ctx, store.Batch{Ops: []store.Op{*p.op}}, err)
		if err != nil || len(results) == 0 {
			p.finish(store.Result{}, errors.Join(err))
			return
		}
		p.finish(results[0], nil)
	}
}
