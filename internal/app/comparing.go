package app

import (
	"context"
	"slices"
	"time"

	"larder/api"
	"larder/internal/lineage"
	"larder/internal/operation"
	"larder/internal/replica"
	"larder/internal/router"
	"larder/internal/store"
)

// comparison is the kind of operations that bring a member whose place was taken together
// again with its successor.
const comparison = "compare"

// comparisonRequest is what one is asked for.
type comparisonRequest struct {
	Backend string `json:"backend"`
	DryRun  bool   `json:"dry_run"`
}

// comparisonResult is what one came to.
type comparisonResult struct {
	With          string                 `json:"with"`
	Recovered     int64                  `json:"recovered"` // keys
	RecoveredKeys []lostKey              `json:"recovered_keys"`
	Overruled     int64                  `json:"overruled"`
	OverruledKeys []lostKey              `json:"overruled_keys"`
	Compared      int64                  `json:"compared"`
	Differences   map[replica.Kind]int64 `json:"differences"`
	Repaired      int64                  `json:"repaired"`
	Lifted        bool                   `json:"lifted"` // the fence
}

type lostKey struct {
	Table string `json:"table"`
	Key   string `json:"key"`
}

// Compare implements [httpapi.Promoting].
func (p promoting) Compare(ctx context.Context, name string, dryRun bool) (api.Operation, error) {
	if p.members.of(name) == nil {
		return api.Operation{}, &store.Error{Code: store.NotFound, Detail: "there is no backend of this name; GET /backends lists them"}
	}
	claim := p.line.keeper.Claim()
	if _, fenced := claim.FenceOf(name); !fenced {
		return api.Operation{}, notFenced(name)
	}
	return operationForm(p.runner.Start(ctx, comparison, comparisonRequest{name, dryRun}))
}

func notFenced(name string) error {
	return &store.Error{Code: store.NotFenced, Detail: "nobody has taken the place of " + name + ", and there is nothing to compare it with"}
}

// comparing carries comparisons out.
type comparing struct {
	members *registry
	line    *successions
	book    *router.Book
}

// compare is one. It may be repeated.
func (c comparing) compare(ctx context.Context, t *operation.Task) (any, error) {
	var asked comparisonRequest
	if err := t.Request(&asked); err != nil {
		return nil, err
	}
	claim := c.line.keeper.Claim()
	fence, fenced := claim.FenceOf(asked.Backend)
	if !fenced {
		return nil, notFenced(asked.Backend)
	}
	from, to := c.members.of(fence.By), c.members.of(fence.Name)
	if from == nil || to == nil {
		return nil, &store.Error{Code: store.Unavailable, Detail: fence.By + " or " + fence.Name + " is not configured here"}
	}
	came, err := c.rejoin(ctx, t, from, to, fence, asked.DryRun)
	result := comparisonResult{
		With: from.name, Recovered: came.Recovered.Count, RecoveredKeys: lostKeys(came.Recovered), Overruled: came.Overruled.Count,
		OverruledKeys: lostKeys(came.Overruled), Compared: came.Report.Compared, Differences: came.Report.Counts, Repaired: came.Report.Repaired,
	}
	if err != nil || asked.DryRun {
		return result, err
	}
	_, err = c.line.keeper.Lift(ctx, to.name)
	result.Lifted = err == nil
	return result, err
}

// rejoin waits for both to answer, and compares them. The breaker of one that has just come
// back lets a call through and may refuse the next: as long as nothing was done it is tried
// again.
func (c comparing) rejoin(ctx context.Context, t *operation.Task, from, to *member, fence lineage.Fence, dryRun bool) (came replica.Rejoined, err error) {
	t.Progress(operation.Progress{Phase: "waiting for " + from.name + " and " + to.name + " to answer"})
	routes, _ := c.book.Routes()
	asked := replica.Rejoining{
		From: from.store, To: to.past, Since: fence.Since, Places: fence.Places, DryRun: dryRun,
		Tables: func(table string) bool {
			r := routes.Of(table)
			return r.Primary() == from.name && slices.Contains(r.Members, to.name)
		},
		Progress: func(phase string, compared int64) { t.Progress(operation.Progress{Phase: phase, Done: compared}) },
	}
	for until := time.Now().Add(answerWithin); ; {
		if err := answers(ctx, from.store, to.past); err != nil {
			return came, err
		}
		came, err = replica.Rejoin(ctx, asked)
		if err == nil || came.Recovered.Count+came.Overruled.Count > 0 || !canWait(err) || time.Now().After(until) {
			return came, err
		}
		select {
		case <-time.After(answerEvery):
		case <-ctx.Done():
			return came, err
		}
	}
}

func lostKeys(l replica.Lost) []lostKey {
	keys := make([]lostKey, len(l.Keys))
	for i, ref := range l.Keys {
		keys[i] = lostKey{ref.Table, ref.Key}
	}
	return keys
}
