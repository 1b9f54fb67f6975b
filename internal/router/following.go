package router

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"larder/internal/store"
)

// following has a process go by what is kept in a system table, while it changes.
type following struct {
	router *Router
	table  string
	what   string // is in it, for the log
	log    zerolog.Logger
	wait   time.Duration // of one long poll for changes
	pause  time.Duration // before it is tried again after it failed

	// take reads what is kept now, and goes by it. anew says that it may be older than
	// what was. After an error it is asked again.
	take func(ctx context.Context, anew bool) error

	stop context.CancelFunc
	done sync.WaitGroup
}

// begin takes what is kept, and follows it from there. Unless later, it fails where that
// can't be taken in; else it is tried again.
func (f *following) begin(ctx context.Context, later bool) error {
	feed, err := f.router.Changes(ctx, store.Changes{Table: f.table, FromNow: true})
	if err != nil {
		return err
	}
	err = f.take(ctx, true)
	if err != nil && !later {
		return err
	}
	if err != nil {
		f.log.Warn().Err(err).Msg(f.failure())
	}
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	f.stop = stop
	f.done.Go(func() { f.follow(following, feed.Next, err) })
	return nil
}

// close ends it.
func (f *following) close() {
	f.stop()
	f.done.Wait()
}

// follow takes in what the feed brings until the end. What could not be taken in is not
// passed over: the feed is read from there again. told is the last failure.
func (f *following) follow(ctx context.Context, since store.Cursor, told error) {
	behind := told != nil
	for ctx.Err() == nil {
		next, err := f.step(ctx, since, behind)
		if err == nil {
			since, behind, told = next, false, nil
			continue
		}
		if ctx.Err() != nil {
			return
		}
		if told == nil || told.Error() != err.Error() {
			f.log.Warn().Err(err).Msg(f.failure())
		}
		told = err
		pause := time.NewTimer(f.pause)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
		}
	}
}

// step waits for a change and takes it in. behind says that there is something to take in
// already.
func (f *following) step(ctx context.Context, since store.Cursor, behind bool) (store.Cursor, error) {
	wait := f.wait
	if behind {
		wait = 0
	}
	feed, err := f.router.Changes(ctx, store.Changes{Table: f.table, Since: since, Wait: wait})
	anew := errors.Is(err, store.Compacted) // the store is another one, or an older copy
	if anew {
		feed, err = f.router.Changes(ctx, store.Changes{Table: f.table, FromNow: true})
	}
	if err == nil && (anew || behind || len(feed.Changes) > 0) {
		err = f.take(ctx, anew)
	}
	return feed.Next, err
}

func (f *following) failure() string {
	return f.what + " can't be followed; going on with the last ones"
}
