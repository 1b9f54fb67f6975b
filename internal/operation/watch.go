package operation

import (
	"context"
	"errors"
	"time"

	"larder/internal/store"
)

// watch looks for operations that nobody runs any more, and for those to be canceled.
type watch struct {
	runner  *Runner
	since   store.Cursor
	running map[string]seen
}

// seen is an operation that runs, as it was last heard of.
type seen struct {
	Operation
	at time.Time // by this instance's clock, when it last changed
}

func (w *watch) run(ctx context.Context) {
	look := time.NewTicker(w.runner.o.Beat / 2)
	defer look.Stop()
	for failed := false; ; {
		err := w.look(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !failed {
			w.runner.o.Logger.Warn().Err(err).Msg("operations can't be looked after; it is tried again")
		}
		failed = err != nil
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

// look hears what has changed, and takes over what has not for too long.
func (w *watch) look(ctx context.Context) error {
	for more := true; more; {
		feed, err := w.runner.o.Store.Changes(ctx, store.Changes{Table: table, Since: w.since})
		if errors.Is(err, store.Compacted) {
			w.since = ""
			clear(w.running)
			continue
		}
		if err != nil {
			return err
		}
		for i := range feed.Changes {
			if err := w.hear(feed.Changes[i].Entry); err != nil {
				return err
			}
		}
		w.since, more = feed.Next, feed.More
	}
	for id, op := range w.running {
		if op.Runner != "" && time.Since(op.at) < w.runner.o.Lease {
			continue
		}
		if err := w.takeOver(ctx, op.Operation); err != nil {
			return err
		}
		delete(w.running, id) // and is heard of again
	}
	return nil
}

func (w *watch) hear(e store.Entry) error {
	if !e.Exists() {
		delete(w.running, e.Key)
		return nil
	}
	op, err := parse(e)
	if err != nil {
		return err
	}
	here := w.runner.runs(op.ID)
	if op.State != Running || here {
		delete(w.running, op.ID)
		if here && op.Ending {
			w.runner.tell(op.ID, errCanceled)
		}
		return nil
	}
	w.running[op.ID] = seen{op, time.Now()}
	return nil
}

// takeOver runs an operation that nobody does, or ends one that was to end.
func (w *watch) takeOver(ctx context.Context, op Operation) error {
	if w.runner.o.Kinds[op.Kind] == nil {
		return nil // another instance has that kind
	}
	op.Runner = w.runner.o.Instance
	if op.Ending {
		now := time.Now().UTC()
		op.State, op.EndedAt, op.Runner = Canceled, &now, ""
	}
	kept, err := w.runner.keep(ctx, op)
	switch {
	case errors.Is(err, store.VersionMismatch) || errors.Is(err, store.NotFound):
		return nil // it lives, or another one was first
	case err != nil:
		return err
	}
	if kept.State == Running {
		w.runner.o.Logger.Info().Str("operation", op.ID).Str("kind", op.Kind).Msg("an operation that nobody runs is carried on here")
		w.runner.run(kept)
	}
	return nil
}
