package app

import (
	"context"
	"slices"
	"time"

	"larder/api"
	"larder/internal/operation"
	"larder/internal/replica"
	"larder/internal/router"
	"larder/internal/store"
)

// verification is the kind of operations that compare secondaries with their primaries.
const verification = "verify"

// verifyRequest is what one is asked for.
type verifyRequest struct {
	selection
	Tables       []string `json:"tables,omitempty"` // patterns; none: all
	Values       bool     `json:"values,omitempty"`
	Repair       bool     `json:"repair,omitempty"`
	RemoveExtras bool     `json:"remove_extras,omitempty"`
}

// wants says whether a table is compared.
func (v verifyRequest) wants(table string) bool {
	if len(v.Tables) == 0 {
		return true
	}
	return slices.ContainsFunc(v.Tables, func(pattern string) bool { return router.Matches(pattern, table) })
}

// verifyResult is what one came to.
type verifyResult struct {
	Same        bool           `json:"same"` // nothing is different any more
	Secondaries []verifiedPair `json:"secondaries"`
}

// verifiedPair is what was found of one secondary.
type verifiedPair struct {
	Strategy    string                 `json:"strategy"`
	Primary     string                 `json:"primary"`
	Secondary   string                 `json:"secondary"`
	Compared    int64                  `json:"compared"`
	Counts      map[replica.Kind]int64 `json:"counts"`
	Differences []differingKey         `json:"differences"`
	Repaired    int64                  `json:"repaired"`
}

type differingKey struct {
	Table     string       `json:"table"`
	Key       string       `json:"key"`
	Kind      replica.Kind `json:"kind"`
	Primary   int64        `json:"primary_version"`
	Secondary int64        `json:"secondary_version"`
}

// verify is one. It may be repeated, and goes on with the secondary that it was at.
func (r repairs) verify(ctx context.Context, t *operation.Task) (any, error) {
	var asked verifyRequest
	if err := t.Request(&asked); err != nil {
		return nil, err
	}
	pairs, err := asked.from(r.strategies.pairs())
	if err != nil {
		return nil, err
	}
	result := verifyResult{Same: true, Secondaries: []verifiedPair{}}
	if _, err := t.Saved(&result); err != nil {
		return nil, err
	}
	var done int64
	for _, p := range pairs {
		if slices.ContainsFunc(result.Secondaries, func(v verifiedPair) bool { return v.Strategy == p.strategy && v.Secondary == p.secondary.name }) {
			continue
		}
		wanted := func(table string) bool { return p.of(table) && asked.wants(table) }
		total, err := entriesOf(ctx, p.primary.store, wanted)
		if err != nil {
			return result, err
		}
		report, err := replica.Verify(ctx, p.primary.store, p.secondary.store, replica.Verification{
			Tables: wanted, Values: asked.Values, Repair: asked.Repair, RemoveExtras: asked.RemoveExtras,
			Progress: func(compared int64) {
				t.Progress(operation.Progress{Phase: "comparing " + p.secondary.name, Done: done + compared, Total: max(done+total, done+compared)})
			},
		})
		done += report.Compared
		result.Same = result.Same && report.Same()
		result.Secondaries = append(result.Secondaries, verifiedOf(p, report))
		if err != nil {
			result.Same = false
			return result, err
		}
		if err := r.remember(ctx, p, api.LastVerification{
			Operation: t.ID(), EndedAt: time.Now().UTC(), Tables: slices.Concat([]string{}, asked.Tables),
			Compared: report.Compared, Different: differencesOf(report), Repaired: report.Repaired,
		}); err != nil {
			return result, err
		}
		if err := t.Save(ctx, result); err != nil {
			return result, err
		}
	}
	t.Progress(operation.Progress{Done: done, Total: done})
	return result, nil
}

func verifiedOf(p pair, report replica.Report) verifiedPair {
	v := verifiedPair{
		Strategy: p.strategy, Primary: p.primary.name, Secondary: p.secondary.name,
		Compared: report.Compared, Counts: report.Counts, Repaired: report.Repaired, Differences: make([]differingKey, len(report.Differences)),
	}
	for i, d := range report.Differences {
		v.Differences[i] = differingKey{d.Table, d.Key, d.Kind, d.Source, d.Target}
	}
	return v
}

// entriesOf counts those of some tables, or estimates them.
func entriesOf(ctx context.Context, s store.Store, wanted func(string) bool) (all int64, err error) {
	tables, err := s.Tables(ctx)
	for _, t := range tables {
		if !store.IsSystem(t.Name) && wanted(t.Name) {
			all += t.Entries
		}
	}
	return all, err
}
