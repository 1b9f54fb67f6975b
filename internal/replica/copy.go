package replica

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"larder/internal/store"
)

// Copying says what one store is to get from another that goes on being written to. From,
// To and Name are required.
type Copying struct {
	From, To store.Store
	Name     string                  // of this copy. One of the same name goes on where it was broken off.
	Tables   func(table string) bool // which; nil: all but the system's
	Extras   bool                    // To may have what From never had
	Ahead    bool                    // and newer versions, which stay
	Progress func(phase string, done, total int64)
	Logger   zerolog.Logger

	Page     int           // entries read and installed at once; 500
	Patience time.Duration // how long To may take to get what From has, before it is repaired; 2 s
}

// Copy is a copy that is kept up until it is closed.
type Copy struct {
	o        Copying
	follower *Follower
	since    store.Cursor // in the feed of From, before the keys were compared last
	report   Report
}

// NewCopy copies what From has, goes on following it, and compares the two. When it
// returns, To had all that From had when they were compared. It fails with Internal where To
// can't hold some of it, and with TableNotEmpty where it has newer versions.
func NewCopy(ctx context.Context, o Copying) (*Copy, error) {
	o.Page = cmp.Or(o.Page, 500)
	if o.Progress == nil {
		o.Progress = func(string, int64, int64) {}
	}
	c := &Copy{o: o, follower: Follow(Options{
		From: o.From, FromName: o.Name, To: o.To, Scope: o.Name, Tables: o.Tables, Page: o.Page, Logger: o.Logger,
	})}
	if err := c.fill(ctx); err != nil {
		_ = c.Close() // never fails
		return nil, err
	}
	return c, nil
}

// Close ends the following.
func (c *Copy) Close() error { return c.follower.Close() }

// Report is what was compared, and what of it was repaired.
func (c *Copy) Report() Report { return c.report }

func (c *Copy) fill(ctx context.Context) error {
	total, err := c.size(ctx)
	if err != nil {
		return err
	}
	if err := c.await(ctx, "copying", total, time.Now()); err != nil {
		return err
	}
	feed, err := c.o.From.Changes(ctx, store.Changes{FromNow: true})
	if err != nil {
		return err
	}
	v := c.verification()
	v.Progress = func(compared int64) { c.o.Progress("comparing", compared, max(compared, total)) }
	c.report, err = Verify(ctx, c.o.From, c.o.To, v)
	if err != nil {
		return err
	}
	c.since = feed.Next
	return c.judge()
}

func (c *Copy) verification() Verification {
	return Verification{Tables: c.follower.follows, Page: c.o.Page, Patience: c.o.Patience, Repair: true}
}

// size is how many entries there are, which may be an estimate.
func (c *Copy) size(ctx context.Context) (all int64, err error) {
	tables, err := c.o.From.Tables(ctx)
	for _, t := range tables {
		if c.follower.follows(t.Name) {
			all += t.Entries
		}
	}
	return all, err
}

// CatchUp waits until To has all that was committed in From before the call.
func (c *Copy) CatchUp(ctx context.Context) error {
	return c.await(ctx, "catching up", 0, time.Now())
}

// lookEvery lies between two looks at how far a copy is.
const lookEvery = 20 * time.Millisecond

func (c *Copy) await(ctx context.Context, phase string, total int64, with time.Time) error {
	for {
		s := c.follower.Status()
		c.o.Progress(phase, s.Installed, max(total, 0))
		if s.Refused > 0 {
			return &store.Error{Code: store.Internal, Detail: fmt.Sprintf("%s can't hold %d of the entries; the log says which tables they are in", c.o.To.Info().Name, s.Refused)}
		}
		if c.follower.CaughtUp(with) {
			return nil
		}
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return store.AsError(ctx.Err())
		}
	}
}

// listed are the differences that a later comparison adds to the report at most.
const listed = 100

// Compare compares what was written since it was last done. It is for when nothing is
// written any more, and To has caught up.
func (c *Copy) Compare(ctx context.Context) error {
	feed, err := c.o.From.Changes(ctx, store.Changes{FromNow: true})
	if err != nil {
		return err
	}
	v := verifier{Verification: c.verification(), from: c.o.From, to: c.o.To, report: c.report}
	v.Patience, v.Listed = cmp.Or(v.Patience, 2*time.Second), len(c.report.Differences)+listed
	seen := map[store.Ref]bool{}
	err = eachChange(ctx, c.o.From, store.Changes{Since: c.since, Limit: c.o.Page, KeysOnly: true, Early: true}, func(e *store.Entry) error {
		if c.follower.follows(e.Table) && !seen[e.Ref] {
			seen[e.Ref] = true
			v.suspects = append(v.suspects, e.Ref)
		}
		return nil
	})
	if errors.Is(err, store.Compacted) {
		c.report, err = Verify(ctx, c.o.From, c.o.To, c.verification())
	} else if err == nil {
		err = v.settle(ctx)
		c.report = v.report
	}
	if err != nil {
		return err
	}
	c.since = feed.Next
	return c.judge()
}

// judge says whether what is still different may be so.
func (c *Copy) judge() error {
	may := map[Kind]bool{Extra: c.o.Extras, Ahead: c.o.Ahead}
	left := -c.report.Repaired
	for kind, n := range c.report.Counts {
		if !may[kind] {
			left += n
		}
	}
	if left <= 0 {
		return nil
	}
	wrong := &store.Error{Code: store.Internal, Detail: fmt.Sprintf("%d keys are not the same in both", left)}
	first := slices.IndexFunc(c.report.Differences, func(d Difference) bool { return !may[d.Kind] })
	if ahead := c.report.Counts[Ahead]; ahead > 0 && !may[Ahead] {
		wrong.Code = store.TableNotEmpty
		wrong.Detail = fmt.Sprintf("%s has newer versions of %d keys, in place of which what is written to %s would be lost", c.o.To.Info().Name, ahead, c.o.From.Info().Name)
		first = slices.IndexFunc(c.report.Differences, func(d Difference) bool { return d.Kind == Ahead })
	}
	if first >= 0 {
		d := c.report.Differences[first]
		wrong.Detail += fmt.Sprintf(", such as one in table %s, which is %s", d.Table, d.Kind)
	}
	return wrong
}

// Forget has To forget how far the copy has come, for it is over.
func (c *Copy) Forget(ctx context.Context) error { return ForgetCopy(ctx, c.o.To, c.o.Name) }

// ForgetCopy has a store forget how far a copy has come that it got.
func ForgetCopy(ctx context.Context, to store.Store, name string) error {
	_, err := to.Apply(ctx, store.Batch{Ops: []store.Op{{Kind: store.Delete, Ref: store.Ref{Table: placeTable, Key: name}}}})
	if errors.Is(err, store.NotFound) {
		return nil
	}
	return err
}
