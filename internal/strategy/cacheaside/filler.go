package cacheaside

import (
	"context"
	"sync"

	"larder/internal/store"
)

// filler puts what readers have loaded into the cache, without them waiting for it. What
// comes while the cache is busy goes in one call; what is too much is left out, for it
// is only ever copies.
type filler struct {
	s     *Store
	queue chan store.Copy
	stop  context.CancelFunc
	done  sync.WaitGroup
}

const (
	fillQueue  = 1024
	fillAtOnce = 128
)

func newFiller(s *Store) *filler {
	ctx, stop := context.WithCancel(context.Background())
	f := &filler{s: s, queue: make(chan store.Copy, fillQueue), stop: stop}
	f.done.Go(func() { f.run(ctx) })
	return f
}

// fill puts a copy in the queue.
func (f *filler) fill(c *store.Copy) {
	select {
	case f.queue <- *c:
	default:
		f.s.figures.unfilled.Add(1)
	}
}

func (f *filler) run(ctx context.Context) {
	copies := make([]store.Copy, 0, fillAtOnce)
	for {
		select {
		case c := <-f.queue:
			copies = append(copies[:0], c)
		case <-ctx.Done():
			return
		}
		for more := true; more && len(copies) < fillAtOnce; {
			select {
			case c := <-f.queue:
				copies = append(copies, c)
			default:
				more = false
			}
		}
		f.s.put(ctx, copies)
	}
}

func (f *filler) close() {
	f.stop()
	f.done.Wait()
}

// put puts copies in the cache, if that answers in time.
func (s *Store) put(ctx context.Context, copies []store.Copy) {
	if !s.gate.enter() {
		s.figures.unfilled.Add(int64(len(copies)))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, s.options.PutTimeout)
	defer cancel()
	err := s.cache.Keep(ctx, s.options.Space, copies)
	s.answered(err)
	if err != nil {
		s.figures.unfilled.Add(int64(len(copies)))
		return
	}
	s.figures.filled.Add(int64(len(copies)))
}
