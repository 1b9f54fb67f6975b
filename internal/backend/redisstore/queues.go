package redisstore

import (
	"context"
	"hash/maphash"
	"slices"

	"larder/internal/store"
)

// queues have batches of this process that touch the same keys wait for each
// other, as each would else find its keys changed by the other and begin anew. It
// is a courtesy: others may share a queue, and other processes are in none.
type queues struct {
	seed  maphash.Seed
	turns [256]chan struct{} // each holds one thing while somebody is in turn
}

func newQueues() *queues {
	q := &queues{seed: maphash.MakeSeed()}
	for i := range q.turns {
		q.turns[i] = make(chan struct{}, 1)
	}
	return q
}

// wait returns once it is the turn of all the refs; leave ends it.
func (q *queues) wait(ctx context.Context, refs []store.Ref) (leave func(), err error) {
	own := make([]int, len(refs))
	for i := range refs {
		own[i] = int(maphash.Comparable(q.seed, refs[i]) % uint64(len(q.turns)))
	}
	slices.Sort(own) // so that none waits in a circle
	own = slices.Compact(own)
	for n, i := range own {
		select {
		case q.turns[i] <- struct{}{}:
		case <-ctx.Done():
			q.leave(own[:n])
			return nil, context.Cause(ctx)
		}
	}
	return func() { q.leave(own) }, nil
}

func (q *queues) leave(turns []int) {
	for _, i := range turns {
		<-q.turns[i]
	}
}
