package httpstore

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"larder/api"
	"larder/internal/store"
)

// batch does operations by POST /batch, all or none.
//
// A result does not say whether a deletion found anything, nor what a check
// has looked at: the one is read beforehand, the other along with the batch.
func (s *Store) batch(ctx context.Context, b store.Batch) ([]store.Result, error) {
	existed, err := s.deletable(ctx, b.Ops)
	if err != nil {
		return nil, err
	}
	ops, shownAt := s.withChecked(b.Ops)
	forms, err := s.sendBatch(ctx, store.Batch{Ops: ops, DryRun: b.DryRun}, len(b.Ops), true)
	if err != nil {
		return nil, err
	}
	results := make([]store.Result, len(b.Ops))
	for i := range results {
		form := forms[i]
		if at, ok := shownAt[i]; ok {
			form.Entry = forms[at].Entry
		}
		if results[i], err = resultOf(b.Ops[i], form); err != nil {
			return nil, err
		}
		if b.Ops[i].Kind == store.Delete {
			results[i].Changed = existed[b.Ops[i].Ref]
		}
	}
	return results, nil
}

// deletable says which of the entries that are to be deleted exist.
func (s *Store) deletable(ctx context.Context, ops []store.Op) (map[store.Ref]bool, error) {
	existed := make(map[store.Ref]bool)
	for i := range ops {
		if op := &ops[i]; op.Kind == store.Delete && hasPath(op.Ref) && op.Ref.Validate() == nil && !store.IsSystem(op.Ref.Table) {
			e, err := s.read(ctx, store.Op{Kind: store.Get, Ref: op.Ref})
			if err != nil {
				return nil, err
			}
			existed[op.Ref] = e.Exists()
		}
	}
	return existed, nil
}

// withChecked adds, for each check, a read of the same key, and says where.
func (s *Store) withChecked(ops []store.Op) ([]store.Op, map[int]int) {
	shownAt := make(map[int]int)
	all := slices.Clip(ops)
	for i := range ops {
		if ops[i].Kind == store.Check && len(all) < s.info.Limits.MaxOperations {
			shownAt[i] = len(all)
			all = append(all, store.Op{Kind: store.Get, Ref: ops[i].Ref})
		}
	}
	return all, shownAt
}

// sendBatch does the operations, and gives a result for each; a failure is told
// as one of the first asked of them, which are those of the caller.
func (s *Store) sendBatch(ctx context.Context, b store.Batch, asked int, atomic bool) ([]api.BatchResult, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	form := api.BatchRequest{Atomic: atomic, DryRun: b.DryRun, Operations: make([]api.BatchOperation, len(b.Ops))}
	endless := false
	for i := range b.Ops {
		form.Operations[i] = s.operation(b.Ops[i])
		endless = endless || b.Ops[i].Kind == store.Expire && b.Ops[i].Expiry.Never()
	}
	if endless { // the failures can be told, the success can't
		form.DryRun = true
	}
	resp, err := s.client.ApplyBatchWithResponse(ctx, &api.ApplyBatchParams{Prefer: new(preferEntry)}, form)
	if err != nil {
		return nil, s.broken(ctx, err, writes(b.Ops))
	}
	if resp.HTTPResponse.StatusCode != http.StatusOK || resp.JSON200 == nil {
		return nil, s.fail(resp.HTTPResponse, resp.Body, request{ops: b.Ops[:asked], batched: true})
	}
	if endless {
		return nil, s.unsupported("an operation of a batch can't take an expiry away")
	}
	if len(resp.JSON200.Results) != len(b.Ops) {
		return nil, &store.Error{Code: store.Internal, Backend: s.info.Name, Detail: "there are more or fewer results than operations"}
	}
	return resp.JSON200.Results, nil
}

func writes(ops []store.Op) bool {
	for i := range ops {
		if ops[i].Kind.Writes() {
			return true
		}
	}
	return false
}

// operation is an operation in the contract's form.
func (s *Store) operation(op store.Op) api.BatchOperation {
	form := api.BatchOperation{
		Op: api.BatchOp(op.Kind.String()), Table: op.Ref.Table, Key: op.Ref.Key,
		IfAbsent: op.If.Absent, IfExists: op.If.Exists && len(op.If.Versions) == 0,
	}
	if len(op.If.Versions) > 0 {
		form.IfVersion = new(atLeastOne(op.If.Versions[0]))
	}
	switch op.Kind {
	case store.Put:
		form.Value, form.Encoding = formOf(op.Value)
		form.Metadata = op.Metadata
		s.fillEnds(&form, op)
	case store.Expire:
		s.fillEnds(&form, op)
	case store.Patch:
		form.Patch = json.RawMessage(op.Patch)
		form.PatchType = map[store.PatchType]api.PatchType{store.MergePatch: api.PatchTypeMerge, store.JSONPatch: api.PatchTypeJSON}[op.PatchType]
	case store.Increment:
		step := op.Increment
		form.Delta, form.Path, form.Initial, form.Min, form.Max = step.Delta, step.Path.String(), step.Initial, step.Min, step.Max
	}
	return form
}

func (s *Store) fillEnds(form *api.BatchOperation, op store.Op) {
	x := s.endsOf(op.Expiry)
	form.TTLSeconds, form.ExpiresAt = x.seconds, x.at
	switch {
	case op.Kind == store.Put:
		form.KeepTTL = x.keep
	case op.Expiry.Never(): // something that would be valid; it is a dry run
		form.TTLSeconds = new(int64(time.Hour / time.Second))
	}
}

// resultOf reads what an operation came to.
func resultOf(op store.Op, form api.BatchResult) (store.Result, error) {
	result := store.Result{
		Entry:   store.Entry{Ref: op.Ref, Version: form.Version},
		Changed: op.Kind.Writes(), Created: form.Status == http.StatusCreated,
	}
	if form.Entry == nil {
		result.Entry.Deleted = form.Version > 0
		return result, nil
	}
	var err error
	result.Entry, err = entryOf(*form.Entry)
	return result, err
}
