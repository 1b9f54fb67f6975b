package operation

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"larder/internal/store"
)

// Kind carries out operations of a kind. What it gives is the result, kept as JSON, also
// where it fails. It ends soon after ctx does.
type Kind func(ctx context.Context, t *Task) (result any, err error)

// Options set a Runner up. Store, Instance and Kinds are required.
type Options struct {
	Store    store.Store
	Instance string // who this is, and nobody else
	Kinds    map[string]Kind
	Logger   zerolog.Logger

	Beat  time.Duration // between two signs of life of one that runs; 2 s
	Lease time.Duration // without one, after which another instance takes it over; 15 s
}

// Runner runs operations, those that were started here and those that nobody runs any more.
type Runner struct {
	o        Options
	lifetime context.Context //nolint:containedctx // ends with Close
	stop     context.CancelCauseFunc
	done     sync.WaitGroup

	mu    sync.Mutex
	tasks map[string]*Task // that run here, by id
	ended bool
}

// Why a task is told to end.
var (
	errStopping = errors.New("the instance stops")
	errLost     = errors.New("another instance may run it")
	errCanceled = errors.New("it was canceled")
)

// New begins to look after operations.
func New(o Options) (*Runner, error) {
	if o.Store == nil || o.Instance == "" {
		return nil, errors.New("operation: a store and a name of the instance are missing")
	}
	o.Beat, o.Lease = cmp.Or(o.Beat, 2*time.Second), cmp.Or(o.Lease, 15*time.Second)
	r := &Runner{o: o, tasks: map[string]*Task{}}
	r.lifetime, r.stop = context.WithCancelCause(context.Background())
	w := &watch{runner: r, running: map[string]seen{}}
	r.done.Go(func() { w.run(r.lifetime) })
	return r, nil
}

// Close has all that runs here end, and others may carry it on.
func (r *Runner) Close() error {
	r.mu.Lock()
	r.ended = true
	r.mu.Unlock()
	r.stop(errStopping)
	r.done.Wait()
	return nil
}

// Start begins an operation. It is kept before this returns. The request is kept as JSON.
func (r *Runner) Start(ctx context.Context, kind string, request any) (Operation, error) {
	if r.o.Kinds[kind] == nil {
		return Operation{}, &store.Error{Code: store.Unsupported, Detail: fmt.Sprintf("there is no operation %q", kind)}
	}
	text, err := json.Marshal(request)
	if err != nil {
		return Operation{}, &store.Error{Code: store.Internal, Err: err}
	}
	now := time.Now().UTC()
	op := Operation{ID: newID(now), Kind: kind, State: Running, Request: text, StartedAt: now, Runner: r.o.Instance}
	if op, err = r.keep(ctx, op); err != nil {
		return Operation{}, err
	}
	r.run(op)
	return op, nil
}

// Get tells how an operation is; NotFound where there is none.
func (r *Runner) Get(ctx context.Context, id string) (Operation, error) {
	if err := store.ValidateKey(id); err != nil {
		return Operation{}, noOperation()
	}
	read, err := r.o.Store.Get(ctx, []store.Ref{refOf(id)})
	if err != nil {
		return Operation{}, err
	}
	if !read.Entries[0].Exists() {
		return Operation{}, noOperation()
	}
	return parse(read.Entries[0])
}

func noOperation() error {
	return &store.Error{Code: store.NotFound, Field: "id", Detail: "there is no operation of this id; those that have ended are kept for 7 days"}
}

// List gives a page of operations, the latest first, and where the next one begins, "" for
// nowhere.
func (r *Runner) List(ctx context.Context, after string, limit int) ([]Operation, string, error) {
	page, err := r.o.Store.Scan(ctx, store.Scan{Table: table, Reverse: true, After: after, Limit: limit})
	if err != nil {
		return nil, "", err
	}
	all := make([]Operation, len(page.Entries))
	for i, e := range page.Entries {
		if all[i], err = parse(e); err != nil {
			return nil, "", err
		}
	}
	return all, page.Next, nil
}

// Cancel asks an operation to end, wherever it runs. One that has ended stays as it is.
func (r *Runner) Cancel(ctx context.Context, id string) (Operation, error) {
	for {
		op, err := r.Get(ctx, id)
		if err != nil || op.State != Running || op.Ending {
			return op, err
		}
		op.Ending = true
		kept, err := r.keep(ctx, op)
		if errors.Is(err, store.VersionMismatch) {
			continue // it has come on meanwhile
		}
		if err == nil {
			r.tell(id, errCanceled)
		}
		return kept, err
	}
}

// tell has a task end that runs here.
func (r *Runner) tell(id string, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t, here := r.tasks[id]; here {
		t.end(why)
	}
}

func (r *Runner) runs(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tasks[id] != nil
}

// run runs an operation that is this instance's.
func (r *Runner) run(op Operation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return // another one takes it over
	}
	if r.tasks[op.ID] != nil {
		return // one that was lost here has not ended yet
	}
	t := newTask(r, op)
	r.tasks[op.ID] = t
	r.done.Go(func() {
		t.run(r.o.Kinds[op.Kind])
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.tasks, op.ID)
	})
}

// keep writes an operation over the version that it was read at. Where it is not known
// whether that was done, it is read.
func (r *Runner) keep(ctx context.Context, op Operation) (Operation, error) {
	write, err := op.put()
	if err != nil {
		return op, err
	}
	results, err := r.o.Store.Apply(ctx, store.Batch{Ops: []store.Op{write}})
	if errors.Is(err, store.Ambiguous) {
		read, readErr := r.o.Store.Get(ctx, []store.Ref{write.Ref})
		if readErr == nil && read.Entries[0].Version == op.version+1 && read.Entries[0].Value.Equal(write.Value) {
			return parse(read.Entries[0])
		}
	}
	if err != nil {
		return op, err
	}
	op.version, op.UpdatedAt = results[0].Entry.Version, results[0].Entry.UpdatedAt
	return op, nil
}
