package intercept

import (
	"context"

	"larder/internal/store"
)

// Trace takes each attempt at a call down in the trace of its context, where there is one
// (store.WithTrace), by the backend's name.
func Trace(backend string) Interceptor {
	return func(next Handler) Handler {
		return func(ctx context.Context, call Call, attempt Attempt) error {
			t := store.TraceOf(ctx)
			if t == nil {
				return next(ctx, call, attempt)
			}
			end := t.Begin(backend, call.Operation.String())
			err := next(ctx, call, attempt)
			end(outcomeOf(attempt, err))
			return err
		}
	}
}

// outcomeOf says in words what came of an attempt: who refused it, or what was seen.
func outcomeOf(a Attempt, err error) (string, store.Code) {
	if err != nil {
		if by, refused := refusalIn(err); refused {
			return "refused: " + by.Error(), store.CodeOf(err)
		}
		return "", store.CodeOf(err)
	}
	if seen, tells := a.(interface{ seen() string }); tells {
		return seen.seen(), ""
	}
	return "", ""
}

// seen says whether a copy of the store's own answered.
func (a *attempt[A, R]) seen() string {
	if read, reads := any(&a.result).(*store.Read); reads && read.Source.Copy != "" {
		return "hit in " + read.Source.Copy
	}
	return ""
}

// sights are what a look comes to.
var sights = [...]string{store.Nothing: "miss", store.Held: "hit", store.Granted: "miss", store.Leased: "miss, another fills it"}

// seen says whether there was a copy.
func (l *look) seen() string { return sights[l.sight] }
