package httpstore

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"larder/internal/store"
)

// preferEntry asks for an entry's value in the answer to a write.
const preferEntry = "return=representation"

// Apply implements [store.Store]. A batch of one goes by the operation's own
// route where that can say all of it.
func (s *Store) Apply(ctx context.Context, b store.Batch) ([]store.Result, error) {
	if err := s.sayable(b); err != nil {
		return nil, err
	}
	if len(b.Ops) != 1 || b.DryRun || !hasPath(b.Ops[0].Ref) || contradicts(b.Ops[0].If) {
		return s.batch(ctx, b)
	}
	result, done, err := s.single(ctx, b.Ops[0])
	if !done {
		return s.batch(ctx, b)
	}
	if err != nil {
		return nil, err
	}
	return []store.Result{result}, nil
}

// sayable refuses what HTTP has no words for.
func (s *Store) sayable(b store.Batch) error {
	for i := range b.Ops {
		op := &b.Ops[i]
		keeps := op.Expiry.IsUnset() || op.Expiry.Keeps()
		switch {
		case op.DefaultTTL != 0:
			return s.unsupported("a default ttl is a setting of the table")
		case (op.Kind == store.Patch || op.Kind == store.Increment) && !keeps:
			return s.unsupported("a patch or an increment leaves the expiry as it is")
		case len(b.Ops) > 1 && len(op.If.Versions) > 1:
			return s.unsupported("an operation of a batch names one version")
		}
	}
	return nil
}

// contradicts says whether a precondition can never hold, and not even be said
// in headers.
func contradicts(p store.Precondition) bool { return p.Absent && (p.Exists || len(p.Versions) > 0) }

// single does one operation by its route; done is false where that has to be a
// batch.
func (s *Store) single(ctx context.Context, op store.Op) (result store.Result, done bool, err error) {
	if err := s.enter(ctx); err != nil {
		return store.Result{}, true, err
	}
	switch {
	case op.Kind == store.Put && !op.Value.IsZero():
		result, err = s.put(ctx, op)
	case op.Kind == store.Patch && len(op.Patch) > 0 && op.PatchType != 0:
		result, err = s.patch(ctx, op)
	case op.Kind == store.Increment:
		result, err = s.increment(ctx, op)
	case op.Kind == store.Expire && !op.If.Absent && !op.Expiry.IsUnset() && !op.Expiry.Keeps():
		result, err = s.expire(ctx, op)
	case op.Kind == store.Delete && !op.If.Absent:
		result, err = s.delete(ctx, op)
	case op.Kind == store.Get && op.If.IsZero(), op.Kind == store.Check && !op.If.IsZero() && !op.If.Absent:
		result.Entry, err = s.read(ctx, op)
	default:
		return store.Result{}, false, nil
	}
	return result, true, err
}

// ifMatch is a precondition as that header has it; nil for none.
func ifMatch(p store.Precondition) *string {
	if len(p.Versions) == 0 {
		if !p.Exists {
			return nil
		}
		return new("*")
	}
	var tags []string
	for _, v := range p.Versions {
		tags = append(tags, `"`+strconv.FormatInt(atLeastOne(v), 10)+`"`)
	}
	return new(strings.Join(slices.Compact(tags), ", "))
}

// atLeastOne gives for a version that no entry can have another such one, which
// can be said.
func atLeastOne(version int64) int64 {
	if version < 1 {
		return math.MaxInt64
	}
	return version
}

// ifNoneMatch is a precondition as that header has it; nil for none.
func ifNoneMatch(p store.Precondition) *string {
	if !p.Absent {
		return nil
	}
	return new("*")
}

// ends are the forms of an expiry, of which at most one is set. Never, which
// has none, is left to the caller.
type ends struct {
	seconds *int64
	at      *time.Time
	keep    bool
}

// endsOf turns a life that is no whole seconds into a time, since that is the
// only way to say it.
func (s *Store) endsOf(x store.Expiry) ends {
	if at, ok := x.Instant(); ok {
		return ends{at: new(at.UTC())}
	}
	d, ok := x.Duration()
	if !ok {
		return ends{keep: x.Keeps()}
	}
	if d <= 0 || d%time.Second == 0 || d > store.MaxTTL {
		return ends{seconds: new(int64(d / time.Second))}
	}
	return ends{at: new(s.clock().UTC().Add(d))}
}
