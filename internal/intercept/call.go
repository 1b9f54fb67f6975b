package intercept

import (
	"context"
	"errors"
	"sync"
	"time"

	"larder/internal/store"
)

// Operation is what is asked of a store.
type Operation uint8

// The operations, one for each method that may fail.
const (
	Get Operation = iota
	Apply
	Scan
	Changes
	Install
	Tables
	Ping
	Search
	Count
	Indexes
	PutIndex
	DropIndex
	Snapshot
	Maintain
	Inspect
	SQL
	Publish
	Subscribe
	Look
	Keep
	Drop
	operations // how many there are
)

var operationNames = [operations]string{
	Get: "get", Apply: "apply", Scan: "scan", Changes: "changes", Install: "install", Tables: "tables", Ping: "ping",
	Search: "search", Count: "count", Indexes: "indexes", PutIndex: "put_index", DropIndex: "drop_index",
	Snapshot: "snapshot", Maintain: "maintain", Inspect: "inspect", SQL: "sql",
	Publish: "publish", Subscribe: "subscribe", Look: "look", Keep: "keep", Drop: "drop",
}

// String is the operation's name in metrics.
func (o Operation) String() string { return operationNames[o] }

// Call says what interceptors have to know of a call.
type Call struct {
	Operation Operation

	// Reads: it writes nothing, so that how far it came does not matter.
	Reads bool
	// Repeatable: it may be made again where it is Unavailable, and so nothing was written.
	// A precondition does not make a write repeatable after any other error: its own
	// first attempt may be what it then fails on.
	Repeatable bool
	// Waits: for what others do. Its time says nothing about the store, and it may
	// take as long as it likes.
	Waits bool
	// Long: it takes as long as there is much to do, or lasts beyond its answer.
	Long bool
	// Apart: it is no part of the work that is guarded. It asks the store itself how
	// it is, or uses means of its own that tell nothing about the rest.
	Apart bool
	// Spared: whoever makes it gives it little time, and goes without where it fails. It
	// can't pile up.
	Spared bool

	// Began is when the attempt began, where an interceptor before has looked at the clock.
	Began time.Time
}

// Brief says whether a call takes up the store for a time that says how loaded it is.
func (c Call) Brief() bool { return !c.Waits && !c.Long && !c.Apart }

// Limited says whether there may only be so many of a call at once.
func (c Call) Limited() bool { return c.Brief() && !c.Spared }

// began is when the attempt began.
func (c Call) began() time.Time {
	if c.Began.IsZero() {
		return time.Now()
	}
	return c.Began
}

// What each operation is. Copies are for going without a slow store, so that it makes
// no sense to wait for one that failed.
var (
	getCall       = Call{Operation: Get, Reads: true, Repeatable: true}
	applyCall     = Call{Operation: Apply, Repeatable: true}
	scanCall      = Call{Operation: Scan, Reads: true, Repeatable: true}
	changesCall   = Call{Operation: Changes, Reads: true, Repeatable: true}
	waitCall      = Call{Operation: Changes, Reads: true, Waits: true}
	installCall   = Call{Operation: Install, Repeatable: true}
	tablesCall    = Call{Operation: Tables, Reads: true, Repeatable: true}
	pingCall      = Call{Operation: Ping, Reads: true, Apart: true}
	searchCall    = Call{Operation: Search, Reads: true, Repeatable: true, Long: true}
	countCall     = Call{Operation: Count, Reads: true, Repeatable: true, Long: true}
	indexesCall   = Call{Operation: Indexes, Reads: true, Repeatable: true}
	putIndexCall  = Call{Operation: PutIndex, Long: true}
	dropIndexCall = Call{Operation: DropIndex, Long: true}
	snapshotCall  = Call{Operation: Snapshot, Reads: true, Long: true}
	maintainCall  = Call{Operation: Maintain, Long: true}
	inspectCall   = Call{Operation: Inspect, Reads: true, Apart: true}
	sqlCall       = Call{Operation: SQL, Apart: true}
	publishCall   = Call{Operation: Publish, Repeatable: true}
	subscribeCall = Call{Operation: Subscribe, Repeatable: true, Long: true}
	lookCall      = Call{Operation: Look, Reads: true, Spared: true}
	keepCall      = Call{Operation: Keep, Spared: true}
	dropCall      = Call{Operation: Drop, Long: true}
)

// Attempt makes a call to the store. It may be made again once it has returned.
type Attempt interface {
	Do(ctx context.Context) error
}

// Handler carries a call out, or refuses to. It returns once no attempt is under way.
type Handler func(ctx context.Context, call Call, attempt Attempt) error

// Interceptor puts something before a handler, once for all calls.
type Interceptor func(next Handler) Handler

// do is the innermost handler.
func do(ctx context.Context, _ Call, attempt Attempt) error { return attempt.Do(ctx) }

// attempt is a call of a method with one argument and what it came to.
type attempt[A, R any] struct {
	method   func(context.Context, A) (R, error)
	argument A
	result   R
}

// Do calls the method.
func (a *attempt[A, R]) Do(ctx context.Context) (err error) {
	a.result, err = a.method(ctx, a.argument)
	return err
}

// through carries a call of a method through a handler.
func through[A, R any](ctx context.Context, h Handler, call Call, method func(context.Context, A) (R, error), argument A) (R, error) {
	a := attempt[A, R]{method: method, argument: argument}
	err := h(ctx, call, &a)
	return a.result, err
}

// attempts are those of one method, used again: a handler returns once none is under way.
type attempts[A, R any] struct {
	method func(context.Context, A) (R, error) // a method's value costs something to make
	free   sync.Pool
}

// through carries a call of the method through a handler.
func (as *attempts[A, R]) through(ctx context.Context, h Handler, call Call, argument A) (R, error) {
	a, used := as.free.Get().(*attempt[A, R])
	if !used {
		a = &attempt[A, R]{method: as.method}
	}
	a.argument = argument
	err := h(ctx, call, a)
	result := a.result
	*a = attempt[A, R]{method: as.method} // holds on to nothing; one that panics is not used again
	as.free.Put(a)
	return result, err
}

// unary is an attempt without a result, or with several.
type unary func(context.Context) error

// Do makes it.
func (f unary) Do(ctx context.Context) error { return f(ctx) }

// refusal is what an interceptor answers with in the store's place.
type refusal string

// Error tells the operator who refused.
func (r refusal) Error() string { return string(r) }

func refuse(backend, detail string, by refusal) error {
	return &store.Error{Code: store.Unavailable, Backend: backend, Detail: detail, Err: by}
}

// isRefusal says whether the store was not asked.
func isRefusal(err error) bool {
	_, refused := refusalIn(err)
	return refused
}

func refusalIn(err error) (refusal, bool) { return errors.AsType[refusal](err) }
