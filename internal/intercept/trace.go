package intercept

import "context"

// Trace has a tracer know of each call. begin gets the caller's context, with the span
// that the call is part of, and gives the one that the call goes on with and what to do
// once it has ended, with the error it ended with.
func Trace(begin func(context.Context, Operation) (_ context.Context, end func(error))) Interceptor {
	return func(next Handler) Handler {
		return func(ctx context.Context, call Call, attempt Attempt) error {
			ctx, end := begin(ctx, call.Operation)
			err := next(ctx, call, attempt)
			end(err)
			return err
		}
	}
}
