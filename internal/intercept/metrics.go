package intercept

import (
	"context"
	"time"

	"larder/internal/store"
)

// Observer counts calls of one kind: how long each took, and the code of the error where it
// failed by the store's fault, else "".
type Observer interface {
	Observe(took time.Duration, failure string)
}

// Metrics counts and times calls. observer is asked once for each operation. What waits
// for changes is not counted; waiting is nobody's latency.
func Metrics(observer func(Operation) Observer) Interceptor {
	var observers [operations]Observer
	for o := range operations {
		observers[o] = observer(o)
	}
	return func(next Handler) Handler {
		return func(ctx context.Context, call Call, attempt Attempt) error {
			if call.Waits {
				return next(ctx, call, attempt)
			}
			call.Began = call.began()
			err := next(ctx, call, attempt)
			observers[call.Operation].Observe(time.Since(call.Began), failureOf(err))
			return err
		}
	}
}

func failureOf(err error) string {
	if err == nil {
		return ""
	}
	if code := store.CodeOf(err); code.Fault() == store.ServersFault {
		return string(code)
	}
	return ""
}
