package store

import (
	"context"
	"sync"
	"time"
)

// maxSpans bounds what a trace keeps. A read of one entry has a handful.
const maxSpans = 64

// Trace takes down which stores were asked for a request, in which order, what each
// answered and how long that took. A nil one takes down nothing. Many goroutines may use
// one at once, and go on with it when the request has been answered.
type Trace struct {
	began time.Time

	mu      sync.Mutex
	spans   []Span
	dropped int
}

// Span is one call to a store, or something that was decided on the way.
type Span struct {
	Name      string        // of the member, or of the copies that were looked at
	Operation string        // what was asked of it, such as "get" or "look"
	Outcome   string        // what came of it, where that needs words: "miss", "refused: the breaker is open"
	Code      Code          // of the error that it ended with
	Began     time.Duration // after the trace did
	Took      time.Duration // 0 for what is no call, and of what goes on until now
	Underway  bool
}

// NewTrace begins one for a request that began then.
func NewTrace(began time.Time) *Trace { return &Trace{began: began} }

// WithTrace has the calls under ctx be taken down.
func WithTrace(ctx context.Context, t *Trace) context.Context {
	return context.WithValue(ctx, TraceKey{}, t)
}

// TraceKey is where a context has its trace, for contexts that carry one by other means
// than WithTrace.
type TraceKey struct{}

// TraceOf is the trace of the calls under ctx, nil for none.
func TraceOf(ctx context.Context) *Trace {
	t, _ := ctx.Value(TraceKey{}).(*Trace)
	return t
}

// Began is when the request began.
func (t *Trace) Began() time.Time { return t.began }

// Begin takes down a call that begins now. end is to be called once it has ended; one that
// has not is told as under way.
func (t *Trace) Begin(name, operation string) (end func(outcome string, code Code)) {
	if t == nil {
		return func(string, Code) {}
	}
	began := time.Since(t.began)
	i, kept := t.add(Span{Name: name, Operation: operation, Began: began, Underway: true})
	if !kept {
		return func(string, Code) {}
	}
	return func(outcome string, code Code) {
		took := time.Since(t.began) - began
		t.mu.Lock()
		defer t.mu.Unlock()
		s := &t.spans[i]
		s.Outcome, s.Code, s.Took, s.Underway = outcome, code, took, false
	}
}

// Note takes down what was decided without a call.
func (t *Trace) Note(name, outcome string) {
	if t != nil {
		t.add(Span{Name: name, Outcome: outcome, Began: time.Since(t.began)})
	}
}

func (t *Trace) add(s Span) (place int, kept bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.spans) == maxSpans {
		t.dropped++
		return 0, false
	}
	t.spans = append(t.spans, s)
	return len(t.spans) - 1, true
}

// Spans are what was taken down up to now, in the order in which it began, and how many
// more there were than a trace keeps.
func (t *Trace) Spans() (spans []Span, dropped int) {
	if t == nil {
		return nil, 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	spans = append(spans, t.spans...)
	for i := range spans {
		if spans[i].Underway {
			spans[i].Took = time.Since(t.began) - spans[i].Began
		}
	}
	return spans, t.dropped
}
