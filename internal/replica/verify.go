package replica

import (
	"cmp"
	"context"
	"slices"
	"time"

	"larder/internal/store"
)

// Verification says what is compared, and what becomes of differences. The zero value
// compares all tables but the system's, and changes nothing.
type Verification struct {
	Tables func(table string) bool // which; nil: all. System tables are never compared.
	Values bool                    // compare values too, not only versions, times and metadata

	Page     int           // entries read at once; 500
	Patience time.Duration // how long a target may take to get what the source has, before it is told; 2 s
	Listed   int           // differences that Report.Differences has at most; 100

	Found    func(Difference)     // told of every difference; nil: nobody is
	Progress func(compared int64) // told now and then how many keys were; nil: nobody is

	// Repair installs what the target lacks. RemoveExtras, together with it, also buries
	// what the source never had, above the version that it has there: a key of that name
	// that the source creates later starts below it, and does not get there while the
	// deletion is remembered.
	Repair, RemoveExtras bool
}

// Report is what a Verification found.
type Report struct {
	Compared int64 // keys in either store

	// By kind, how many keys are not the same.
	Counts      map[Kind]int64
	Differences []Difference // the first of them
	Repaired    int64        // of them, those that are the same now
}

// Same says whether nothing is different, or no longer is.
func (r *Report) Same() bool {
	var all int64
	for _, n := range r.Counts {
		all += n
	}
	return all == r.Repaired
}

// Difference is a key that is not the same in both.
type Difference struct {
	store.Ref
	Kind           Kind
	Source, Target int64 // versions; 0: never written
}

// Kind is how a key differs.
type Kind string

// The kinds.
const (
	Missing   Kind = "missing"   // the source has it, the target never had
	Behind    Kind = "behind"    // the target has an older version, or what the source has deleted
	Ahead     Kind = "ahead"     // the target has a newer version, which can't be of this source
	Differing Kind = "differing" // one version, and yet not the same
	Extra     Kind = "extra"     // the target has it, the source never had
)

// Verify compares what readers see of two stores, table by table in the order of keys.
// A key counts as different only if it stays so: what is written meanwhile, and gets to
// the target within Patience, is the same. Deleted and never written is the same too, for
// deletions are forgotten in each store at its own time. Where an entry expires within a
// minute or has just done so, the two may see that at different times.
//
// Neither store can say what a range of keys amounts to without it being read, so each
// key is read, without its value unless Values is set: that is what it costs, in both.
// It takes memory for some 10,000 keys. The error is that of a store which can't be read,
// together with what was found before.
func Verify(ctx context.Context, from, to store.Store, o Verification) (Report, error) {
	o.Page, o.Listed = cmp.Or(o.Page, 500), cmp.Or(o.Listed, 100)
	o.Patience = cmp.Or(o.Patience, 2*time.Second)
	v := &verifier{Verification: o, from: from, to: to, report: Report{Counts: map[Kind]int64{}}}
	tables, err := v.tables(ctx)
	if err != nil {
		return v.report, err
	}
	for _, table := range tables {
		if err := v.table(ctx, table); err != nil {
			return v.report, err
		}
	}
	return v.report, v.settle(ctx)
}

// maxSuspects are settled together at most.
const maxSuspects = 10_000

type verifier struct {
	Verification
	from, to store.Store
	report   Report
	suspects []store.Ref // keys that were not the same at first sight
}

// tables are those that either store has.
func (v *verifier) tables(ctx context.Context) ([]string, error) {
	var names []string
	for _, s := range []store.Store{v.from, v.to} {
		tables, err := s.Tables(ctx)
		if err != nil {
			return nil, err
		}
		for _, t := range tables {
			if !store.IsSystem(t.Name) && (v.Tables == nil || v.Tables(t.Name)) {
				names = append(names, t.Name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// table goes over both stores' keys side by side.
func (v *verifier) table(ctx context.Context, table string) error {
	scan := store.Scan{Table: table, KeysOnly: !v.Values, Limit: v.Page}
	source, target := walk{in: v.from, scan: scan}, walk{in: v.to, scan: scan}
	for {
		s, err := source.peek(ctx)
		if err != nil {
			return err
		}
		t, err := target.peek(ctx)
		if err != nil {
			return err
		}
		var suspect *store.Entry
		switch {
		case s == nil && t == nil:
			return nil
		case t == nil || s != nil && s.Key < t.Key:
			suspect = s
			source.pass()
		case s == nil || t.Key < s.Key:
			suspect = t
			target.pass()
		default:
			if !s.Equal(*t) {
				suspect = s
			}
			source.pass()
			target.pass()
		}
		if v.report.Compared++; v.Progress != nil && v.report.Compared%int64(v.Page) == 0 {
			v.Progress(v.report.Compared)
		}
		if suspect == nil {
			continue
		}
		if v.suspects = append(v.suspects, suspect.Ref); len(v.suspects) == maxSuspects {
			if err := v.settle(ctx); err != nil {
				return err
			}
		}
	}
}

// walk goes over a table by key.
type walk struct {
	in   store.Store
	scan store.Scan
	page []store.Entry
	last bool
}

// peek gives the next entry; nil: there is none.
func (w *walk) peek(ctx context.Context) (*store.Entry, error) {
	for len(w.page) == 0 {
		if w.last {
			return nil, nil //nolint:nilnil // none, and nothing is wrong
		}
		page, err := w.in.Scan(ctx, w.scan)
		if err != nil {
			return nil, err
		}
		w.page, w.scan.After, w.last = page.Entries, page.Next, page.Next == ""
	}
	return &w.page[0], nil
}

func (w *walk) pass() { w.page = w.page[1:] }
