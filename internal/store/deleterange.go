package store

import (
	"context"
	"errors"
	"fmt"
)

// Removal says which of a table's entries DeleteRange deletes.
type Removal struct {
	Table  string
	Prefix string
	Start  string // the first key
	End    string // the first key no longer deleted
	Most   int64  // fail with TooManyAffected, and delete nothing, where there are more; 0: no bound
	DryRun bool   // count only
}

// DeleteRange deletes a range of keys and says how many there were. Each page
// of keys goes at one moment, or key by key where they lie in several slots;
// the whole does not: where it fails, what it says to have deleted is deleted,
// and it may be called again. What is written into the range meanwhile may or
// may not be deleted.
func DeleteRange(ctx context.Context, s Store, r Removal) (int64, error) {
	if r.Most > 0 || r.DryRun {
		n, err := countRange(ctx, s, r)
		if err != nil || r.DryRun {
			return n, err
		}
	}
	var deleted int64
	scan := r.scan()
	scan.Limit = min(s.Info().Limits.WithDefaults().MaxOperations, s.Info().Limits.WithDefaults().MaxPage)
	for {
		page, err := s.Scan(ctx, scan)
		if err != nil {
			return deleted, err
		}
		if len(page.Entries) > 0 {
			n, err := deletePage(ctx, s, page.Entries)
			deleted += n
			if err != nil {
				return deleted, err
			}
		}
		if page.Next == "" {
			return deleted, nil
		}
		scan.After = page.Next
	}
}

func (r Removal) scan() Scan {
	return Scan{Table: r.Table, Prefix: r.Prefix, Start: r.Start, End: r.End, KeysOnly: true}
}

// countRange counts what would be deleted, and stops where it is too much.
func countRange(ctx context.Context, s Store, r Removal) (int64, error) {
	var n int64
	scan := r.scan()
	for {
		page, err := s.Scan(ctx, scan)
		if err != nil {
			return 0, err
		}
		n += int64(len(page.Entries))
		if r.Most > 0 && n > r.Most {
			return 0, &Error{
				Code: TooManyAffected, Ref: Ref{Table: r.Table}, Field: "max_affected",
				Detail: fmt.Sprintf("more than %d entries would be deleted; none was", r.Most),
			}
		}
		if page.Next == "" {
			return n, nil
		}
		scan.After = page.Next
	}
}

func deletePage(ctx context.Context, s Store, entries []Entry) (int64, error) {
	ops := make([]Op, len(entries))
	for i := range entries {
		ops[i] = Op{Kind: Delete, Ref: entries[i].Ref}
	}
	results, err := s.Apply(ctx, Batch{Ops: ops})
	if errors.Is(err, CrossSlot) {
		return deleteEach(ctx, s, ops)
	}
	if err != nil {
		return 0, err
	}
	var n int64
	for i := range results {
		if results[i].Changed {
			n++
		}
	}
	return n, nil
}

// deleteEach deletes what can be deleted. Of several failures it tells one
// that may yet have deleted something, where there is such a one.
func deleteEach(ctx context.Context, s Store, ops []Op) (int64, error) {
	var n int64
	var failure error
	for _, outcome := range ApplyEach(ctx, s, Batch{Ops: ops}) {
		switch {
		case outcome.Err == nil && outcome.Changed:
			n++
		case outcome.Err != nil && (failure == nil || errors.Is(outcome.Err, Ambiguous)):
			failure = outcome.Err
		}
	}
	return n, failure
}
