package health

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Options set a Watcher up. Ping is required.
type Options struct {
	// Ping asks the backend. It is given Timeout.
	Ping func(ctx context.Context) error
	// Fenced says why the backend must not be used although it answers, "" where it may;
	// nil: it always may.
	Fenced func() string
	// Waits says what has not caught up with the backend since it answered again, "" for
	// nothing; nil: nothing ever waits.
	Waits func(since time.Time) string
	// Changed is told when the state has changed; it must not wait.
	Changed func(from, to Condition)

	Every   time.Duration // between two looks; 500 ms
	Timeout time.Duration // of a ping; 700 ms
}

// Watcher looks at a backend until it is closed.
type Watcher struct {
	o     Options
	stop  context.CancelFunc
	done  sync.WaitGroup
	now   atomic.Pointer[Condition]
	first chan struct{} // closed once there has been a look
}

// Watch begins to look at a backend.
func Watch(o Options) *Watcher {
	o.Every, o.Timeout = cmp.Or(o.Every, 500*time.Millisecond), cmp.Or(o.Timeout, 700*time.Millisecond)
	ctx, stop := context.WithCancel(context.Background())
	w := &Watcher{o: o, stop: stop, first: make(chan struct{})}
	w.now.Store(&Condition{Since: time.Now()})
	w.done.Go(func() { w.run(ctx) })
	return w
}

// Close ends the looking and waits for it.
func (w *Watcher) Close() error {
	w.stop()
	w.done.Wait()
	return nil
}

// Now is how the backend is. Right after the beginning it waits for the first look.
func (w *Watcher) Now() Condition {
	<-w.first
	return *w.now.Load()
}

func (w *Watcher) run(ctx context.Context) {
	look := time.NewTicker(w.o.Every)
	defer look.Stop()
	for first := true; ; first = false {
		w.look(ctx)
		if first {
			close(w.first)
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

// look looks once. A backend that does not answer at the first time is down.
func (w *Watcher) look(ctx context.Context) {
	b := beat{at: time.Now(), waits: w.o.Waits}
	b.err = w.ping(ctx)
	if ctx.Err() != nil {
		return // that was no answer
	}
	b.took = time.Since(b.at)
	if w.o.Fenced != nil {
		b.fenced = w.o.Fenced()
	}
	was := w.now.Load()
	slow := w.o.Every
	select {
	case <-w.first:
	default:
		slow = 0
	}
	now := was.after(b, slow)
	w.now.Store(&now)
	if now.State != was.State && w.o.Changed != nil {
		w.o.Changed(*was, now)
	}
}

func (w *Watcher) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, w.o.Timeout)
	defer cancel()
	return w.o.Ping(ctx)
}
