package app

import (
	"time"

	"github.com/rs/zerolog"

	"larder/internal/intercept"
	"larder/internal/store"
	"larder/internal/telemetry"
)

// guard is what stands before a backend. What is not set is not there.
type guard struct {
	retry    *intercept.Retry
	breaker  *intercept.Breaker
	limit    *intercept.Limit
	bulkhead *intercept.Bulkhead
}

// guard puts before an opened backend what stands before every one, in the order that
// package intercept gives reasons for. One that is embedded has its calls counted and told only:
// there is nothing between it and its callers that could fail or fill up. Before all that
// stands its fence.
func (a *App) guard(m *member, opened store.Store, fence func() string) {
	var chain []intercept.Interceptor
	m.counts = a.calls.Use(m.name)
	chain, m.guard = a.chain(m)
	gate, count := intercept.Gate(m.name, fence), intercept.UnderWay(&m.calls)
	m.past = intercept.Wrap(opened, append([]intercept.Interceptor{count}, chain...)...)
	m.kept = intercept.Wrap(opened, append([]intercept.Interceptor{count, gate}, chain...)...)
	m.store = intercept.Wrap(opened, append([]intercept.Interceptor{count, gate, intercept.Drain(m.name, m.drains)}, chain...)...)
}

func (m *member) drains() bool { return m.mode() == draining }

func (a *App) chain(m *member) ([]intercept.Interceptor, guard) {
	chain := []intercept.Interceptor{intercept.Metrics(func(o intercept.Operation) intercept.Observer {
		return m.counts.Call(o.String())
	})}
	var g guard
	if m.own {
		return append(chain, intercept.Trace(m.name)), g
	}
	if a.cfg.RetryEnabled {
		g.retry = intercept.NewRetry(intercept.RetryOptions{
			Attempts: a.cfg.RetryAttempts, Delay: a.cfg.RetryDelay, MaxDelay: a.cfg.RetryMaxDelay, Jitter: a.cfg.RetryJitter,
		})
		chain = append(chain, g.retry.Intercept)
	}
	chain = append(chain, intercept.Trace(m.name))
	if a.cfg.BreakerEnabled {
		g.breaker = intercept.NewBreaker(a.breakerOptions(m.name))
		chain = append(chain, g.breaker.Intercept)
	}
	if a.cfg.AdaptiveLimit {
		g.limit = intercept.NewLimit(intercept.LimitOptions{
			Backend: m.name, Min: min(a.cfg.MinCalls, a.cfg.MaxCalls), Max: 2 * a.cfg.MaxCalls, // as many may wait as are let in
		})
		chain = append(chain, g.limit.Intercept)
	}
	g.bulkhead = intercept.NewBulkhead(intercept.BulkheadOptions{Backend: m.name, Calls: a.cfg.MaxCalls, Wait: a.cfg.CallWait})
	chain = append(chain, g.bulkhead.Intercept, intercept.Timeout(a.cfg.AttemptTimeout))
	return chain, g
}

func (a *App) breakerOptions(name string) intercept.BreakerOptions {
	log := a.log.With().Str("backend", name).Logger()
	o := intercept.BreakerOptions{
		Backend: name, Failures: a.cfg.BreakerFailures, Window: a.cfg.BreakerWindow, Delay: a.cfg.BreakerDelay,
		Changed: func(from, to intercept.State) {
			level := zerolog.InfoLevel
			if from == intercept.Closed {
				level = zerolog.WarnLevel
			}
			log.WithLevel(level).Stringer("from", from).Stringer("to", to).Msg("the backend's breaker has changed")
		},
	}
	if a.cfg.AttemptTimeout > 0 {
		o.Patience = min(a.cfg.AttemptTimeout, time.Second) // an attempt that was cut off counts
	}
	return o
}

// figures are what the guard counts.
func (g guard) figures() []telemetry.Figure {
	var all []telemetry.Figure
	if g.breaker != nil {
		all = append(all, telemetry.Figure{
			Name: "breaker_state", Help: "What the breaker before the backend is: 0 closed, 1 half-open, 2 open.",
			Value: float64(g.breaker.State()),
		})
	}
	if g.retry != nil {
		all = append(all, telemetry.Figure{
			Name: "retries", Help: "Attempts at calls to the backend beyond the first.", Counter: true, Value: float64(g.retry.Retries()),
		})
	}
	if g.bulkhead != nil {
		all = append(all, telemetry.Figure{
			Name: "shed", Help: "Calls that were refused, since too many were under way to the backend.", Counter: true, Value: float64(g.shed()),
		})
	}
	if g.limit != nil {
		all = append(all, telemetry.Figure{
			Name: "call_limit", Help: "Calls to the backend at once, those that wait for a place included, beyond which others are refused.",
			Value: float64(g.limit.Limit()),
		})
	}
	return all
}

func (g guard) shed() uint64 {
	shed := g.bulkhead.Shed()
	if g.limit != nil {
		shed += g.limit.Shed()
	}
	return shed
}
