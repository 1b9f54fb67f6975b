package app

import (
	"context"
	"encoding/json"
	"fmt"

	"larder/api"
	"larder/internal/httpapi"
	"larder/internal/operation"
	"larder/internal/replica"
	"larder/internal/router"
	"larder/internal/store"
	"larder/internal/value"
)

// repairsTable is the system table that says what each secondary's last verification found.
// Its keys are the strategy and the secondary.
const repairsTable = "_repairs"

// repairs carries out the work on secondaries.
type repairs struct {
	strategies *strategies
	store      store.Store // of the system tables
}

// repairing is that work as the contract has it.
type repairing struct {
	repairs
	runner *operation.Runner
	line   *successions
}

var _ httpapi.Repairing = repairing{}

// Repairs implements [httpapi.Repairing].
func (r repairing) Repairs(ctx context.Context) (api.RepairList, error) {
	pairs := r.strategies.pairs()
	told := make([]api.Repair, len(pairs))
	list := api.RepairList{Items: told}
	if len(pairs) == 0 {
		return list, nil
	}
	refs := make([]store.Ref, len(pairs))
	stand := standings(ctx, pairs)
	for i, p := range pairs {
		told[i] = repairForm(p, stand[i])
		refs[i] = store.Ref{Table: repairsTable, Key: p.key()}
	}
	read, err := r.store.Get(ctx, refs)
	if canWait(err) && ctx.Err() == nil {
		list.Incomplete = []string{r.line.system().name}
		return list, nil
	}
	if err != nil {
		return api.RepairList{}, err
	}
	for i, e := range read.Entries {
		if !e.Exists() {
			continue
		}
		var last api.LastVerification
		if err := json.Unmarshal(e.Value.Data, &last); err != nil {
			return api.RepairList{}, &store.Error{Code: store.Internal, Ref: e.Ref, Detail: "what is kept of a verification can't be read", Err: err}
		}
		told[i].Verification = &last
	}
	return list, nil
}

func repairForm(p pair, s standing) api.Repair {
	told := api.Repair{
		Strategy: p.strategy, Primary: p.primary.name, Secondary: p.secondary.name,
		State: api.RepairStateFollowing, Failing: string(s.Failing), Place: string(s.Place),
		Installed: s.Installed, Refused: s.Refused, Refusals: make([]api.Refusal, len(s.Refusals)),
	}
	if s.Known {
		lag := s.Lag.Seconds()
		told.LagSeconds = &lag
	}
	if s.counted {
		told.Backlog, told.BacklogMore = &s.backlog.Entries, s.backlog.More
	}
	switch {
	case s.Failing != "":
		told.State = api.RepairStateFailing
	case !s.Known || s.Afresh:
		told.State = api.RepairStateFilling
	}
	for i, one := range s.Refusals {
		told.Refusals[i] = api.Refusal{Table: one.Table, Code: string(one.Code), Count: one.Count, LastAt: one.Last.UTC()}
	}
	return told
}

// Verify implements [httpapi.Repairing].
func (r repairing) Verify(ctx context.Context, wanted api.VerifyRequest) (api.Operation, error) {
	asked := verifyRequest{
		selection: selection{wanted.Strategy, wanted.Primary, wanted.Secondary},
		Tables:    wanted.Tables, Values: wanted.Values, Repair: wanted.Repair, RemoveExtras: wanted.RemoveExtras,
	}
	if _, err := asked.from(r.strategies.pairs()); err != nil {
		return api.Operation{}, err
	}
	for i, pattern := range asked.Tables {
		if err := router.ValidatePattern(pattern); err != nil {
			return api.Operation{}, &store.Error{Code: store.InvalidOperation, Field: "tables", Pointer: fmt.Sprint("/", i), Detail: err.Error()}
		}
	}
	if asked.RemoveExtras && !asked.Repair {
		return api.Operation{}, &store.Error{Code: store.InvalidOperation, Field: "remove_extras", Detail: "what the primary never had is removed together with repair only"}
	}
	return operationForm(r.runner.Start(ctx, verification, asked))
}

// Replay implements [httpapi.Repairing].
func (r repairing) Replay(ctx context.Context, wanted api.ReplayRequest) (api.Operation, error) {
	asked := selection{wanted.Strategy, wanted.Primary, wanted.Secondary}
	if _, err := asked.from(r.strategies.pairs()); err != nil {
		return api.Operation{}, err
	}
	return operationForm(r.runner.Start(ctx, replaying, asked))
}

// remember keeps what a verification has found of a pair.
func (r repairs) remember(ctx context.Context, p pair, last api.LastVerification) error {
	text, err := json.Marshal(last)
	if err != nil {
		return &store.Error{Code: store.Internal, Err: err}
	}
	v, err := value.Parse(text, value.Limits{MaxBytes: len(text), MaxDepth: 3})
	if err != nil {
		return &store.Error{Code: store.Internal, Err: err}
	}
	_, err = r.store.Apply(ctx, store.Batch{Ops: []store.Op{{Kind: store.Put, Ref: store.Ref{Table: repairsTable, Key: p.key()}, Value: v}}})
	return err
}

// differencesOf adds up what a verification found.
func differencesOf(report replica.Report) (all int64) {
	for _, n := range report.Counts {
		all += n
	}
	return all
}
