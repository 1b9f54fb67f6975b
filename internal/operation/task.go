package operation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"larder/internal/store"
)

// Task is an operation that runs here.
type Task struct {
	runner  *Runner
	id      string
	request json.RawMessage
	ctx     context.Context //nolint:containedctx // of the work; ends with the task
	end     context.CancelCauseFunc

	mu       sync.Mutex
	op       Operation // as it was kept last
	progress Progress
	renewed  time.Time // before the last write of op that was done
}

func newTask(r *Runner, op Operation) *Task {
	t := &Task{runner: r, id: op.ID, request: op.Request, op: op, progress: op.Progress, renewed: time.Now()}
	t.ctx, t.end = context.WithCancelCause(r.lifetime)
	return t
}

// ID is that of the operation.
func (t *Task) ID() string { return t.id }

// Request reads what was asked for.
func (t *Task) Request(into any) error { return decode(t.request, into) }

// Saved reads the state that was saved last; found is false where none was.
func (t *Task) Saved(into any) (found bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.op.Saved == nil {
		return false, nil
	}
	return true, decode(t.op.Saved, into)
}

func decode(text []byte, into any) error {
	if err := json.Unmarshal(text, into); err != nil {
		return &store.Error{Code: store.Internal, Detail: "what is kept of an operation can't be read", Err: err}
	}
	return nil
}

// Save keeps a state to go on from, before it returns. It fails where another instance may
// run the operation by now; then the work has to end.
func (t *Task) Save(ctx context.Context, state any) error {
	text, err := json.Marshal(state)
	if err != nil {
		return &store.Error{Code: store.Internal, Err: err}
	}
	return t.renew(ctx, func(op *Operation) { op.Saved = text })
}

// Progress says how far it has come. It is kept with the next sign of life.
func (t *Task) Progress(p Progress) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.progress = p
}

// run carries it out, with signs of life beside, and keeps what came of it.
func (t *Task) run(kind Kind) {
	defer t.end(nil)
	beating := make(chan struct{})
	var beats sync.WaitGroup
	beats.Go(func() { t.beat(beating) })
	result, err := t.carryOut(kind)
	close(beating)
	beats.Wait()
	switch why := context.Cause(t.ctx); {
	case errors.Is(why, errLost):
	case errors.Is(why, errStopping) && err != nil:
		t.release()
	default:
		t.finish(result, err)
	}
}

func (t *Task) carryOut(kind Kind) (result any, err error) {
	defer func() {
		if p := recover(); p != nil {
			t.runner.o.Logger.Error().Str("operation", t.id).Interface("panic", p).Bytes("stack", debug.Stack()).Msg("an operation has panicked")
			err = &store.Error{Code: store.Internal, Err: fmt.Errorf("panic: %v", p)}
		}
	}()
	return kind(t.ctx, t)
}

// beat gives signs of life until the work has ended, and ends it where there have been none
// for so long that another instance may take it for dead.
func (t *Task) beat(done <-chan struct{}) {
	beat := time.NewTicker(t.runner.o.Beat)
	defer beat.Stop()
	for {
		select {
		case <-beat.C:
		case <-done:
			return
		case <-t.ctx.Done():
			return
		}
		err := t.renew(t.ctx, func(*Operation) {})
		if err != nil && t.ctx.Err() == nil {
			t.runner.o.Logger.Warn().Err(err).Str("operation", t.id).Msg("an operation can't be kept up to date")
		}
		t.mu.Lock()
		late := time.Since(t.renewed) > t.runner.o.Lease-t.runner.o.Beat
		t.mu.Unlock()
		if late {
			t.end(errLost)
		}
	}
}

// renew writes the operation with a change. It is still this instance's afterwards, and
// where it is to end, it is told to.
func (t *Task) renew(ctx context.Context, change func(*Operation)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		next, began := t.op, time.Now()
		next.Progress = t.progress
		change(&next)
		kept, err := t.runner.keep(ctx, next)
		if err == nil {
			t.op, t.renewed = kept, began
			return nil
		}
		if !errors.Is(err, store.VersionMismatch) && !errors.Is(err, store.NotFound) {
			return err
		}
		now, err := t.runner.Get(ctx, t.id)
		switch {
		case errors.Is(err, store.NotFound) || err == nil && (now.Runner != t.runner.o.Instance || now.State != Running):
			t.end(errLost)
			return &store.Error{Code: store.Busy, Detail: "another instance runs this operation by now"}
		case err != nil:
			return err
		}
		if t.op = now; now.Ending {
			t.end(errCanceled)
		}
	}
}

// endTimeout bounds the last writes of an operation.
const endTimeout = 5 * time.Second

// release leaves the operation to others at once.
func (t *Task) release() {
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	if err := t.renew(ctx, func(op *Operation) { op.Runner = "" }); err != nil {
		t.runner.o.Logger.Info().Err(err).Str("operation", t.id).Msg("an operation is left to others only after a while")
	}
}

// finish keeps what came of it. While it can't be kept the signs of life go on.
func (t *Task) finish(result any, err error) {
	change := func(op *Operation) {
		now := time.Now().UTC()
		op.State, op.EndedAt, op.Runner = Succeeded, &now, ""
		if text, wrong := json.Marshal(result); wrong == nil && result != nil {
			op.Result = text
		}
		switch {
		case err != nil && errors.Is(context.Cause(t.ctx), errCanceled):
			op.State = Canceled
		case err != nil:
			op.State, op.Failure = Failed, failure(err)
		}
	}
	for {
		ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
		wrong := t.renew(ctx, change)
		cancel()
		if wrong == nil || errors.Is(context.Cause(t.ctx), errLost) {
			return
		}
		t.runner.o.Logger.Warn().Err(wrong).Str("operation", t.id).Msg("an operation has ended and can't be kept so yet")
		select {
		case <-time.After(t.runner.o.Beat):
		case <-t.runner.lifetime.Done():
			return // whoever takes it over does the end again
		}
	}
}
