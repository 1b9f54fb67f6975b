package replica

import (
	"context"
	"errors"

	"larder/internal/store"
)

// Rejoining says how a store is compared that another one has taken the place of, and that
// nobody has written to since. From is the successor, which goes on being written to.
type Rejoining struct {
	From, To store.Store
	Tables   func(table string) bool // which; nil: all. System tables are never compared.

	Since  store.Cursor   // the successor's feed when it took over; "": that is not known
	Places []store.Cursor // how far the successor had come in the feed of To; "": nowhere

	Progress func(phase string, compared int64) // told now and then how far it is; nil: nobody is

	DryRun bool // change nothing
	Listed int  // keys that Rejoined lists of each kind at most; 100
	Page   int  // entries read at once; 500
}

// Rejoined is what came of it.
type Rejoined struct {
	// Recovered were written only in To, and acknowledged perhaps, before it was replaced:
	// the successor has them now.
	Recovered Lost
	// Overruled were written in both: what the successor has counts.
	Overruled Lost
	// Report is of the verification at the end, by which To has all that the successor has.
	Report Report
}

// Lost are keys of which one store had what the other had not.
type Lost struct {
	Count int64
	Keys  []store.Ref // the first of them
}

func (l *Lost) add(ref store.Ref, listed int) {
	if l.Count++; len(l.Keys) < listed {
		l.Keys = append(l.Keys, ref)
	}
}

// Rejoin brings a store that was replaced together again with its successor. What it had
// that the successor never got is written there, unless the key has been written since;
// then the successor's entry counts, under a version above both. At the end it has all that
// the successor has. It may be repeated, and has nothing to do then.
func Rejoin(ctx context.Context, r Rejoining) (Rejoined, error) {
	if r.Listed == 0 {
		r.Listed = 100
	}
	if r.Page == 0 {
		r.Page = 500
	}
	j := rejoin{Rejoining: r, seen: map[store.Ref]bool{}}
	if err := j.written(ctx); err != nil {
		return j.Rejoined, err
	}
	for _, place := range r.Places {
		if err := j.missed(ctx, place); err != nil {
			return j.Rejoined, err
		}
	}
	// What the feed no longer tells, or told the successor, differs in the version.
	found, err := Verify(ctx, r.From, r.To, Verification{
		Tables: r.Tables, Page: r.Page, Patience: 1, Listed: r.Listed, Progress: j.progress("comparing"),
		Found: func(d Difference) {
			if d.Kind == Ahead || d.Kind == Differing || d.Kind == Extra {
				j.suspects = append(j.suspects, d.Ref)
			}
		},
	})
	if err != nil {
		return j.Rejoined, err
	}
	if err := j.settle(ctx); err != nil || r.DryRun {
		j.Report = found
		return j.Rejoined, err
	}
	j.Report, err = Verify(ctx, r.From, r.To, Verification{
		Tables: r.Tables, Page: r.Page, Patience: 1, Listed: r.Listed, Progress: j.progress("bringing up to date"),
		Repair: true, RemoveExtras: true,
	})
	return j.Rejoined, err
}

type rejoin struct {
	Rejoining
	Rejoined
	suspects []store.Ref
	seen     map[store.Ref]bool // suspects that were settled
	since    map[store.Ref]bool // keys that the successor has written since; nil: all, perhaps
}

func (j *rejoin) progress(phase string) func(int64) {
	if j.Progress == nil {
		return nil
	}
	return func(compared int64) { j.Progress(phase, compared) }
}

func (j *rejoin) compares(table string) bool {
	return !store.IsSystem(table) && (j.Tables == nil || j.Tables(table))
}

// maxWritten bounds how many keys are remembered that the successor has written. Where it
// has written more, it counts as having written all.
const maxWritten = 1_000_000

// written finds out which keys the successor has written since it took over.
func (j *rejoin) written(ctx context.Context) error {
	if j.Since == "" {
		return nil
	}
	j.since = map[store.Ref]bool{}
	err := eachChange(ctx, j.From, store.Changes{Since: j.Since, Limit: j.Page, KeysOnly: true, Early: true}, func(e *store.Entry) error {
		if j.compares(e.Table) && j.since != nil {
			if j.since[e.Ref] = true; len(j.since) > maxWritten {
				j.since = nil
			}
		}
		return nil
	})
	if errors.Is(err, store.Compacted) {
		j.since = nil
		return nil
	}
	return err
}

// missed looks at all that the replaced store had written when the successor had come so
// far in its feed.
func (j *rejoin) missed(ctx context.Context, place store.Cursor) error {
	if place == "" {
		return nil // the verification finds what there is
	}
	err := eachChange(ctx, j.To, store.Changes{Since: place, Limit: j.Page, KeysOnly: true, Early: true}, func(e *store.Entry) error {
		if !j.compares(e.Table) {
			return nil
		}
		if j.suspects = append(j.suspects, e.Ref); len(j.suspects) >= maxSuspects {
			return j.settle(ctx)
		}
		return nil
	})
	if err != nil && !errors.Is(err, store.Compacted) {
		return err
	}
	return j.settle(ctx)
}

// eachChange goes through a feed to its end.
func eachChange(ctx context.Context, s store.Store, c store.Changes, do func(*store.Entry) error) error {
	for {
		feed, err := s.Changes(ctx, c)
		if err != nil {
			return err
		}
		for i := range feed.Changes {
			if err := do(&feed.Changes[i].Entry); err != nil {
				return err
			}
		}
		if c.Since = feed.Next; !feed.More {
			return nil
		}
	}
}

// settle decides on the suspects.
func (j *rejoin) settle(ctx context.Context) error {
	for len(j.suspects) > 0 {
		some := j.suspects[:min(j.Page, len(j.suspects))]
		j.suspects = j.suspects[len(some):]
		here, err := j.From.Get(ctx, some)
		if err != nil {
			return err
		}
		there, err := j.To.Get(ctx, some)
		if err != nil {
			return err
		}
		for i, ref := range some {
			if j.seen[ref] {
				continue
			}
			if err := j.decide(ctx, here.Entries[i], there.Entries[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// decide says which entry of a key counts, and has the successor have it under a version
// above both.
func (j *rejoin) decide(ctx context.Context, here, there store.Entry) error {
	if same(here, there) {
		return nil
	}
	j.seen[there.Ref] = true
	untouched := j.since != nil && !j.since[there.Ref]
	switch {
	case untouched && there.Version < here.Version:
		return nil // an older state, which the verification brings up to date
	case untouched:
		j.Recovered.add(there.Ref, j.Listed)
	default:
		j.Overruled.add(there.Ref, j.Listed)
	}
	if j.DryRun || !untouched && here.Version > there.Version {
		return nil
	}
	counts := here
	if untouched {
		counts = there
	}
	return j.raise(ctx, here, counts, there)
}

// same says whether two entries are, or are both none.
func same(a, b store.Entry) bool { return a.Equal(b) || !a.Exists() && !b.Exists() }

// raise writes in the successor until it has the entry that counts under a version above
// that of there. Who else writes the key meanwhile counts. A deletion that has to be raised
// comes after the write that it overrules, as it did.
func (j *rejoin) raise(ctx context.Context, at, counts, there store.Entry) error {
	for !same(at, counts) || at.Version <= there.Version && (at.Exists() || there.Exists()) {
		op := putOf(counts)
		switch {
		case !counts.Exists() && at.Exists():
			op = store.Op{Kind: store.Delete, Ref: counts.Ref}
		case !counts.Exists():
			op = putOf(there)
		}
		if op.If = store.IfVersion(at.Version); !at.Exists() {
			op.If = store.Precondition{Absent: true}
		}
		results, err := j.From.Apply(ctx, store.Batch{Ops: []store.Op{op}})
		switch {
		case errors.Is(err, store.VersionMismatch) || errors.Is(err, store.AlreadyExists) || errors.Is(err, store.NotFound):
			read, err := j.From.Get(ctx, []store.Ref{counts.Ref})
			if err != nil {
				return err
			}
			at, counts = read.Entries[0], read.Entries[0]
		case err != nil:
			return err
		default:
			if at = results[0].Entry; op.Kind == store.Put && counts.Exists() {
				counts = at // times and version are of this write
			}
		}
	}
	return nil
}

// putOf writes an entry as it is.
func putOf(e store.Entry) store.Op {
	op := store.Op{Kind: store.Put, Ref: e.Ref, Value: e.Value, Metadata: e.Metadata}
	if !e.ExpiresAt.IsZero() {
		op.Expiry = store.ExpiresAt(e.ExpiresAt)
	}
	return op
}
