package redisstore

import (
	"context"
	"hash/maphash"
	"slices"
	"time"

	"larder/internal/store"
)

// queues have batches of this process that touch the same keys wait for each
// other, as each would else find its keys changed by the other and begin anew. It
// is a courtesy: others may share a queue, and other processes are in none.
type queues struct {
	seed  maphash.Seed
	turns [256]chan miss // each holds one thing while nobody is in turn
}

// miss is how the last who did not get through to a shard's server found that out.
type miss struct {
	shard *shard
	at    time.Time
	err   error
}

func newQueues() *queues {
	q := &queues{seed: maphash.MakeSeed()}
	for i := range q.turns {
		q.turns[i] = make(chan miss, 1)
		q.turns[i] <- miss{}
	}
	return q
}

// inTurn does something once it is the turn of all the refs, which lie in one shard.
func (s *Store) inTurn(ctx context.Context, d *shard, refs []store.Ref, do func() error) (err error) {
	own := s.queues.of(refs)
	if err := s.queues.wait(ctx, d, own); err != nil {
		if ctx.Err() != nil {
			return s.ended(ctx)
		}
		return err
	}
	var last miss
	defer func() { s.queues.leave(own, last) }()
	if err = do(); store.CodeOf(err) == store.Unavailable {
		last = miss{d, time.Now(), err}
	}
	return err
}

// of gives the refs' turns, in an order in which none waits in a circle.
func (q *queues) of(refs []store.Ref) []int {
	own := make([]int, len(refs))
	for i := range refs {
		own[i] = int(maphash.Comparable(q.seed, refs[i]) % uint64(len(q.turns)))
	}
	slices.Sort(own)
	return slices.Compact(own)
}

// wait returns once it is the turn. Where somebody in front has waited for the same
// server in vain meanwhile, it fails as that one did: each doing so in turn, they would
// wait for very long.
func (q *queues) wait(ctx context.Context, d *shard, own []int) error {
	began := time.Now()
	for n, i := range own {
		select {
		case last := <-q.turns[i]:
			if last.shard == d && last.at.After(began) {
				q.leave(own[:n+1], last)
				return last.err
			}
		case <-ctx.Done():
			q.leave(own[:n], miss{})
			return context.Cause(ctx)
		}
	}
	return nil
}

func (q *queues) leave(own []int, last miss) {
	for _, i := range own {
		q.turns[i] <- last
	}
}
