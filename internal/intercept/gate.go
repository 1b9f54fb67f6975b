package intercept

import (
	"context"

	"larder/internal/store"
)

// gateRefusal tells the operator that a call was not let through.
const gateRefusal refusal = "the backend must not be used"

// Gate lets no call through while why gives a reason, which callers are told. It stands
// before all else.
func Gate(backend string, why func() string) Interceptor {
	return func(next Handler) Handler {
		return func(ctx context.Context, call Call, attempt Attempt) error {
			if reason := why(); reason != "" {
				store.TraceOf(ctx).Begin(backend, call.Operation.String())("refused: "+gateRefusal.Error(), store.Unavailable)
				return refuse(backend, reason, gateRefusal)
			}
			return next(ctx, call, attempt)
		}
	}
}

// drainRefusal tells the operator that a read was not let through.
const drainRefusal refusal = "the backend is being drained"

// Drain lets no reads through while drains says so: others are to answer them. What is
// apart, and what keeps the backend up, goes on.
func Drain(backend string, drains func() bool) Interceptor {
	return func(next Handler) Handler {
		return func(ctx context.Context, call Call, attempt Attempt) error {
			if call.Reads && !call.Apart && drains() {
				return refuse(backend, "the backend is being drained, and reads go elsewhere", drainRefusal)
			}
			return next(ctx, call, attempt)
		}
	}
}
