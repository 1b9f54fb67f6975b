package cacheaside

import (
	"context"
	"sync"
	"time"

	"larder/internal/store"
)

// filler puts copies into the cache: what readers have loaded, for which nobody waits, and
// what has been written, for which its writer does. What comes while the cache is busy goes
// in one call; what readers bring and is too much is left out, for it is only ever copies.
type filler struct {
	s     *Store
	queue chan *filling
	stop  context.CancelFunc
	done  sync.WaitGroup
}

// filling is what one reader or writer brings.
type filling struct {
	copies []store.Copy
	one    [1]store.Copy // copies, where it is one
	done   chan struct{} // told once they are in the cache or can't be; nil: nobody waits
}

// waits are the channels and timers of writers that have waited.
var waits = sync.Pool{New: func() any { //nolint:gochecknoglobals // a pool
	w := &wait{done: make(chan struct{}, 1), timer: time.NewTimer(time.Hour)}
	w.timer.Stop()
	return w
}}

type wait struct {
	done  chan struct{}
	timer *time.Timer
}

const (
	fillQueue  = 1024
	fillAtOnce = 128 // copies, or somewhat more

	// fillLanes are the calls that are under way at once: with one, a writer would wait for
	// the rest of another's call first. Of each key the newer copy stays, whoever is first.
	fillLanes = 2
)

func newFiller(s *Store) *filler {
	ctx, stop := context.WithCancel(context.Background())
	f := &filler{s: s, queue: make(chan *filling, fillQueue), stop: stop}
	for range fillLanes {
		f.done.Go(func() { f.run(ctx) })
	}
	return f
}

// fill has a copy be put.
func (f *filler) fill(c *store.Copy) {
	one := &filling{one: [1]store.Copy{*c}}
	one.copies = one.one[:]
	select {
	case f.queue <- one:
	default:
		f.s.figures.unfilled.Add(1)
	}
}

// put has copies be put, and waits for it, but no longer than that.
func (f *filler) put(copies []store.Copy, patience time.Duration) {
	w := waits.Get().(*wait)
	w.timer.Reset(patience)
	select {
	case f.queue <- &filling{copies: copies, done: w.done}:
	case <-w.timer.C:
		f.s.figures.unfilled.Add(int64(len(copies)))
		waits.Put(w)
		return
	}
	select {
	case <-w.done:
		w.timer.Stop()
		waits.Put(w)
	case <-w.timer.C: // done will be told yet: it is not for another
	}
}

func (f *filler) run(ctx context.Context) {
	var copies []store.Copy
	var waiting []chan struct{}
	for {
		var one *filling
		select {
		case one = <-f.queue:
		case <-ctx.Done():
			f.abandon()
			return
		}
		copies, waiting = copies[:0], waiting[:0]
		for one != nil {
			copies = append(copies, one.copies...)
			if one.done != nil {
				waiting = append(waiting, one.done)
			}
			if one = nil; len(copies) < fillAtOnce {
				select {
				case one = <-f.queue:
				default:
				}
			}
		}
		f.keep(ctx, copies)
		for _, done := range waiting {
			done <- struct{}{}
		}
		clear(copies) // what they hold may be let go
	}
}

// keep puts copies in the cache, if that answers in time.
func (f *filler) keep(ctx context.Context, copies []store.Copy) {
	s := f.s
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

// abandon lets those go who wait.
func (f *filler) abandon() {
	for {
		select {
		case one := <-f.queue:
			if one.done != nil {
				one.done <- struct{}{}
			}
		default:
			return
		}
	}
}

func (f *filler) close() {
	f.stop()
	f.done.Wait()
}
