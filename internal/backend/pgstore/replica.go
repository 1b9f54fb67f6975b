package pgstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"larder/internal/store"
)

// replicas are the standbys that answer reads which allow staleness.
type replicas struct {
	all   []*replica
	marks *walMarks
	turn  atomic.Uint32
}

// replica is one standby. How old what it shows may be is known from the
// primary's own clock and log alone (see walmarks.go): the standby has replayed
// all that the primary had written at some moment.
type replica struct {
	s    *Store
	name string // in answers; it tells no address
	url  string

	mu     sync.Mutex
	pool   *pool     // nil: it has never been reached
	asOf   time.Time // it shows all that was committed by then; zero: nothing is known
	excuse string    // why it is not used, for the operator; "": it is

	answers atomic.Int64 // reads answered
}

// newReplicas reads the URLs. It connects to nobody: a gateway starts without
// its replicas.
func (s *Store) newReplicas() (*replicas, error) {
	r := &replicas{marks: &walMarks{}}
	for i, url := range s.options.ReplicaURLs {
		if _, err := pgxpool.ParseConfig(url); err != nil {
			return nil, s.fail(store.InvalidOperation, fmt.Sprintf("URL %d of LARDER_POSTGRES_REPLICA_URLS is not one of PostgreSQL, such as postgres://user@host:5432/database", i+1), hideURL(err))
		}
		r.all = append(r.all, &replica{
			s: s, name: fmt.Sprintf("%s-replica-%d", s.options.Name, i+1), url: url, excuse: "it has not been reached yet",
		})
	}
	return r, nil
}

// start begins to watch the replicas and, to compare, the primary.
func (r *replicas) start(s *Store) {
	if len(r.all) == 0 {
		return
	}
	s.owned.Go(func() { r.marks.watch(s) })
	for _, one := range r.all {
		s.owned.Go(one.watch)
	}
}

func (r *replicas) close() {
	for _, one := range r.all {
		one.mu.Lock()
		if one.pool != nil {
			one.pool.Close()
		}
		one.mu.Unlock()
	}
}

// fresh lists those that are no older than that, each time beginning with
// another one.
func (r *replicas) fresh(age time.Duration) []*replica {
	usable := make([]*replica, 0, len(r.all))
	for _, one := range r.all {
		if _, at, ok := one.state(); ok && time.Since(at) <= age {
			usable = append(usable, one)
		}
	}
	if n := len(usable); n > 1 {
		turn := int(r.turn.Add(1)) % n
		usable = slices.Concat(usable[turn:], usable[:turn])
	}
	return usable
}

// state gives what a read needs: ok is false where it is not to be used.
func (r *replica) state() (p *pool, asOf time.Time, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pool, r.asOf, r.pool != nil && r.excuse == "" && !r.asOf.IsZero()
}

// suspend takes it out of use until it has been asked again how it is.
func (r *replica) suspend(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.excuse = why
}

type poolKey struct{}

// poolOf is where reads under ctx go: to the primary, but for what readFrom
// sends elsewhere.
func (s *Store) poolOf(ctx context.Context) *pool {
	if len(s.replicas.all) > 0 {
		if p, ok := ctx.Value(poolKey{}).(*pool); ok {
			return p
		}
	}
	return s.pool
}

// readFrom reads from a replica where ctx allows that and one is fresh enough,
// and else from the primary; where that fails, from a replica again, if ctx
// allows that then.
func readFrom[T any](ctx context.Context, s *Store, read func(context.Context, store.Source) (T, error)) (T, error) {
	if len(s.replicas.all) == 0 {
		return read(ctx, store.Source{})
	}
	f := store.FreshnessOf(ctx)
	if f.MaxAge > 0 {
		if result, answered, err := readCopy(ctx, s, f.MaxAge, read); answered {
			return result, err
		}
	}
	if f.IfError <= 0 || len(s.replicas.fresh(f.IfError)) == 0 {
		return read(ctx, store.Source{})
	}
	bounded, cancel := halfOf(ctx) // it leaves time for another try
	result, err := read(bounded, store.Source{})
	cancel()
	if err != nil && store.CodeOf(err).Fault() == store.ServersFault {
		if copied, answered, copyErr := readCopy(ctx, s, f.IfError, read); answered {
			return copied, copyErr
		}
	}
	return result, err
}

// readCopy tries the replicas in turn. Where none has answered, nothing is lost
// but time: half of what ctx has left at most.
func readCopy[T any](ctx context.Context, s *Store, age time.Duration, read func(context.Context, store.Source) (T, error)) (result T, answered bool, err error) {
	for _, r := range s.replicas.fresh(age) {
		p, asOf, ok := r.state()
		if !ok {
			continue
		}
		bounded, cancel := halfOf(context.WithValue(ctx, poolKey{}, p))
		// It shows what there was at that time, and may show more.
		result, err = read(bounded, store.Source{Copy: r.name, Age: time.Since(asOf)})
		cancel()
		code := store.CodeOf(err)
		if code.Fault() == store.CallersFault {
			r.answers.Add(1)
			return result, true, err
		}
		exhausted := code == store.Unavailable && errors.Is(err, context.DeadlineExceeded)
		if code == store.Timeout || code == store.Unavailable && !exhausted {
			r.suspend("it did not answer a read")
		}
		s.options.Logger.Debug().Err(err).Str("replica", r.name).Msg("a replica does not answer a read")
	}
	return result, false, err
}

// halfOf bounds ctx to half of the time that it has left.
func halfOf(ctx context.Context) (context.Context, context.CancelFunc) {
	at, bounded := ctx.Deadline()
	if !bounded {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(at)/2)
}

// details tell an operator of each replica.
func (r *replicas) details(into map[string]string) {
	for _, one := range r.all {
		one.mu.Lock()
		text := "not used: " + one.excuse
		if one.excuse == "" {
			text = fmt.Sprintf("in use, at most %v behind", time.Since(one.asOf).Round(10*time.Millisecond))
		}
		into[one.name] = text
		one.mu.Unlock()
	}
}

func (r *replicas) figures() []store.Figure {
	var answers, usable, behind float64
	for _, one := range r.all {
		_, asOf, ok := one.state()
		if ok {
			usable++
			behind = max(behind, time.Since(asOf).Seconds())
		}
		answers += float64(one.answers.Load())
	}
	return []store.Figure{
		{Name: "read_replicas_usable", Help: "Replicas that may answer reads which allow staleness.", Value: usable},
		{Name: "read_replica_staleness_seconds", Help: "How old what the usable replicas show is at most.", Value: behind},
		{Name: "replica_reads_total", Help: "Reads that replicas have answered.", Value: answers, Counter: true},
	}
}
