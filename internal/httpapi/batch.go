package httpapi

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"larder/api"
	"larder/internal/store"
)

// ApplyBatch does many operations: all or none, or each by itself.
func (a *API) ApplyBatch(w http.ResponseWriter, r *http.Request, _ api.ApplyBatchParams) {
	var form api.BatchRequest
	if err := a.decode(w, r, &form); err != nil {
		a.fail(w, r, nil, err)
		return
	}
	if n := len(form.Operations); n == 0 || n > a.limits.MaxOperations {
		err := store.Batch{Ops: make([]store.Op, n)}.Validate(a.limits)
		a.fail(w, r, bodyPlaces, err)
		return
	}
	for i := range form.Operations {
		if !form.Operations[i].Op.Valid() {
			a.fail(w, r, nil, invalidMember("/operations/"+strconv.Itoa(i)+"/op", "an operation is one of get, put, patch, increment, expire, delete, check"))
			return
		}
	}
	batch, wrong := a.readBatch(form)
	prefer := preference{representation: preferences(r.Header).representation}
	if form.Atomic {
		a.applyAtomic(w, r, batch, wrong, prefer)
		return
	}
	a.applyEach(w, r, form, batch, wrong, prefer)
}

// readBatch reads the operations, whose kinds are known; wrong has an error for each that can't be
// understood.
func (a *API) readBatch(form api.BatchRequest) (store.Batch, map[int]error) {
	batch := store.Batch{Ops: make([]store.Op, len(form.Operations)), DryRun: form.DryRun}
	wrong := map[int]error{}
	for i := range form.Operations {
		op, err := a.readOperation(&form.Operations[i])
		if err != nil {
			wrong[i] = err
		}
		batch.Ops[i] = op
	}
	return batch, wrong
}

func (a *API) readOperation(form *api.BatchOperation) (store.Op, error) {
	op := store.Op{Ref: store.Ref{Table: form.Table, Key: form.Key}}
	kind, _ := store.ParseKind(string(form.Op))
	op.Kind = kind
	if err := strayMembers(kind, form); err != nil {
		return op, err
	}
	if err := userRef(op.Ref); err != nil {
		return op, err
	}
	op.If = store.Precondition{Absent: form.IfAbsent, Exists: form.IfExists}
	if form.IfVersion != nil {
		if *form.IfVersion < 1 {
			return op, invalidMember("/if_version", "a version is a positive integer")
		}
		op.If.Versions = []int64{*form.IfVersion}
	}
	var err error
	if op.Expiry, err = expiry(form.TTLSeconds, form.ExpiresAt, form.KeepTTL); err != nil {
		return op, err
	}
	switch kind {
	case store.Put:
		if len(form.Value) == 0 {
			return op, invalidMember("/value", "a put has a value; null is one")
		}
		op.Metadata = form.Metadata
		op.Value, err = a.parseForm("/value", form.Value, form.Encoding)
	case store.Patch:
		op.Patch = form.Patch
		switch form.PatchType {
		case api.PatchTypeMerge:
			op.PatchType = store.MergePatch
		case api.PatchTypeJSON:
			op.PatchType = store.JSONPatch
		}
	case store.Increment:
		op.Increment, err = step(form.Delta, form.Initial, form.Min, form.Max, form.Path)
	}
	return op, err
}

// strayMembers refuses what an operation of this kind has no use for: a
// client that sends it means something else than it will get.
func strayMembers(kind store.Kind, form *api.BatchOperation) error {
	timed := kind == store.Put || kind == store.Expire
	for _, member := range []struct {
		name  string
		given bool
		fits  bool
	}{
		{"value", form.Value != nil, kind == store.Put},
		{"encoding", form.Encoding != "", kind == store.Put},
		{"metadata", form.Metadata != nil, kind == store.Put},
		{"ttl_seconds", form.TTLSeconds != nil, timed},
		{"expires_at", form.ExpiresAt != nil, timed},
		{"keep_ttl", form.KeepTTL, kind == store.Put},
		{"patch", form.Patch != nil, kind == store.Patch},
		{"patch_type", form.PatchType != "", kind == store.Patch},
		{"delta", form.Delta != nil, kind == store.Increment},
		{"path", form.Path != "", kind == store.Increment},
		{"initial", form.Initial != nil, kind == store.Increment},
		{"min", form.Min != nil, kind == store.Increment},
		{"max", form.Max != nil, kind == store.Increment},
	} {
		if member.given && !member.fits {
			return invalidMember("/"+member.name, "%s does not go with %s", member.name, kind)
		}
	}
	return nil
}

// invalidMember is the error for an operation that lacks what its kind needs,
// or has what it does not take.
func invalidMember(pointer, format string, args ...any) error {
	return inBody(pointer, &store.Error{Code: store.InvalidOperation, Detail: fmt.Sprintf(format, args...)})
}

// applyAtomic does all of the batch or nothing.
func (a *API) applyAtomic(w http.ResponseWriter, r *http.Request, batch store.Batch, wrong map[int]error, prefer preference) {
	err := misread(batch, wrong)
	if err == nil {
		err = a.catalog.Prepare(batch.Ops)
	}
	var results []store.Result
	if err == nil {
		results, err = a.store.Apply(r.Context(), batch)
	}
	if err != nil {
		a.fail(w, r, bodyPlaces, batchError(err, batch))
		return
	}
	forms := make([]batchResult, len(results))
	for i := range results {
		forms[i] = newResult(&batch.Ops[i], &results[i], prefer)
	}
	tellReplication(w.Header(), results...)
	prefer.applied(w.Header())
	writeResults(w, forms)
}

// misread is the error for operations that can't be understood, each with its
// place; nil for none.
func misread(batch store.Batch, wrong map[int]error) error {
	var failures []store.Failure
	for i := range batch.Ops {
		if err := wrong[i]; err != nil {
			failures = append(failures, store.Failure{Index: i, Err: relocated(err)})
		}
	}
	if len(failures) == 0 {
		return nil
	}
	return &store.Error{Code: store.BatchFailed, Failures: failures}
}

// relocated is an error with its place in the operation as Field and Pointer,
// so that it can be told along with those of the domain.
func relocated(err error) *store.Error {
	e := *store.AsError(err)
	if at := placeOf(err); at != nil && at.pointer != nil {
		member, rest, more := strings.Cut(strings.TrimPrefix(*at.pointer, "/"), "/")
		e.Field, e.Pointer = member, ""
		if more {
			e.Pointer = "/" + rest
		}
	}
	return &e
}

// batchError makes any error about operations one that lists them. Where one
// is wrong in itself, whatever is stored, the whole is a bad request and has
// that one's code; else it is BatchFailed.
func batchError(err error, batch store.Batch) error {
	failures := store.FailuresOf(err, batch)
	if len(failures) == 0 {
		return err
	}
	first := failures[0]
	whole := &store.Error{
		Code: store.BatchFailed, Failures: failures,
		Detail: fmt.Sprintf("operation %d failed, and nothing was written: %s", first.Index, first.Err.Detail),
	}
	for _, failure := range failures {
		if status := meaningOf(failure.Err).status; status == http.StatusBadRequest || status == http.StatusRequestEntityTooLarge {
			whole.Code = failure.Err.Code
			whole.Detail = fmt.Sprintf("operation %d: %s", failure.Index, failure.Err.Detail)
			break
		}
	}
	return whole
}

// applyEach does each operation by itself.
func (a *API) applyEach(w http.ResponseWriter, r *http.Request, form api.BatchRequest, batch store.Batch, wrong map[int]error, prefer preference) {
	if batch.DryRun {
		if failures := batch.Conflicts(); len(failures) > 0 {
			a.fail(w, r, bodyPlaces, batchError(&store.Error{Code: store.BatchFailed, Failures: failures}, batch))
			return
		}
	}
	forms := make([]batchResult, len(batch.Ops))
	sound := store.Batch{DryRun: batch.DryRun}
	var at []int
	for i := range batch.Ops {
		if wrong[i] == nil {
			wrong[i] = a.catalog.Prepare(batch.Ops[i : i+1])
		}
		if wrong[i] == nil {
			sound.Ops, at = append(sound.Ops, batch.Ops[i]), append(at, i)
			continue
		}
		forms[i] = newFailure(&form.Operations[i], i, wrong[i])
	}
	outcomes := store.ApplyEach(r.Context(), a.store, sound)
	for n := range outcomes {
		i, outcome := at[n], &outcomes[n]
		if outcome.Err != nil {
			forms[i] = newFailure(&form.Operations[i], i, outcome.Err)
			continue
		}
		forms[i] = newResult(&sound.Ops[n], &outcome.Result, prefer)
	}
	prefer.applied(w.Header())
	writeResults(w, forms)
}

// newResult is what an operation that was done came to.
func newResult(op *store.Op, result *store.Result, prefer preference) batchResult {
	e := &result.Entry
	r := batchResult{form: api.BatchResult{Op: api.BatchOp(op.Kind.String()), Table: e.Table, Key: e.Key, Status: http.StatusOK}}
	form := &r.form
	if e.Version > 0 {
		form.Version = e.Version
	}
	if e.Exists() && (op.Kind == store.Get || prefer.representation && op.Kind.Writes()) {
		r.entry = e
	}
	switch {
	case op.Kind == store.Get && !e.Exists():
		form.Status = http.StatusNotFound
		problem := newProblem(&store.Error{Code: store.NotFound, Detail: "there is no entry under this key"}, nil, nil)
		form.Error = &problem
	case op.Kind == store.Delete:
		form.Status = http.StatusNoContent
	case result.Created:
		form.Status = http.StatusCreated
	}
	if op.Kind == store.Increment {
		form.Value = numberAt(*e, op.Increment.Path)
	}
	return r
}

// newFailure is what an operation that was not done came to.
func newFailure(form *api.BatchOperation, index int, err error) batchResult {
	at := placeOf(err)
	if at != nil && at.pointer != nil {
		pointer := "/operations/" + strconv.Itoa(index) + *at.pointer
		at = &place{pointer: &pointer}
	}
	inOperation := func(field, pointer string) place {
		found := operationPlaces(field, pointer)
		if found.pointer != nil {
			pointer := "/operations/" + strconv.Itoa(index) + *found.pointer
			found.pointer = &pointer
		}
		return found
	}
	problem := newProblem(store.AsError(err), inOperation, at)
	return batchResult{form: api.BatchResult{
		Op: form.Op, Table: form.Table, Key: form.Key, Status: problem.Status, Error: &problem,
	}}
}
