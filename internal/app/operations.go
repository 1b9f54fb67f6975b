package app

import (
	"context"

	"larder/api"
	"larder/internal/httpapi"
	"larder/internal/operation"
)

// operations are long work as the contract has it.
type operations struct{ runner *operation.Runner }

var _ httpapi.Operations = operations{}

// Operation implements [httpapi.Operations].
func (o operations) Operation(ctx context.Context, id string) (api.Operation, error) {
	return operationForm(o.runner.Get(ctx, id))
}

// Operations implements [httpapi.Operations].
func (o operations) Operations(ctx context.Context, after string, limit int) ([]api.Operation, string, error) {
	all, next, err := o.runner.List(ctx, after, limit)
	told := make([]api.Operation, len(all))
	for i, op := range all {
		told[i], _ = operationForm(op, nil)
	}
	return told, next, err
}

// Cancel implements [httpapi.Operations].
func (o operations) Cancel(ctx context.Context, id string) (api.Operation, error) {
	return operationForm(o.runner.Cancel(ctx, id))
}

func operationForm(op operation.Operation, err error) (api.Operation, error) {
	if err != nil {
		return api.Operation{}, err
	}
	told := api.Operation{
		ID: op.ID, Kind: op.Kind, State: api.OperationState(op.State), Request: op.Request, Result: op.Result,
		Progress:  api.OperationProgress{Phase: op.Progress.Phase, Done: op.Progress.Done, Total: op.Progress.Total},
		StartedAt: op.StartedAt, UpdatedAt: op.UpdatedAt, EndedAt: op.EndedAt,
	}
	if op.Failure != nil {
		told.Error = &api.OperationError{Code: string(op.Failure.Code), Detail: op.Failure.Detail}
	}
	return told, nil
}
