package app

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"larder/api"
	"larder/internal/health"
	"larder/internal/router"
	"larder/internal/store"
	"larder/internal/telemetry"
)

// status is what the gateway tells about itself at /health, /readyz, /stats
// and /backends.
type status struct {
	app     *App
	members *registry
	line    *successions

	additions *additions

	router  *router.Router
	figures *telemetry.Backends

	strategies *strategies
}

// backend gives a member's store.
func (s *status) backend(name string) (store.Store, bool) {
	for _, m := range s.members.list() {
		if m.name == name {
			return m.store, true
		}
	}
	return nil, false
}

// What a backend is for.
const (
	primaryRole   = "primary"
	cacheRole     = "cache"
	secondaryRole = "secondary"
	unusedRole    = "unused" // no route names it
)

// role is what a backend is for. A primary may be another's cache as well.
func (s *status) role(m *member) string {
	role := unusedRole
	for _, r := range s.router.Routes() {
		switch slices.Index(r.Members, m.name) {
		case -1:
		case 0:
			return primaryRole
		default:
			if role = cacheRole; r.Strategy != router.CacheAside {
				role = secondaryRole
			}
		}
	}
	if m == s.line.system() {
		return primaryRole
	}
	return role
}

// decides says whether a backend is the primary of anything.
func (s *status) decides(m *member) bool { return s.role(m) == primaryRole }

// Health tells how the gateway and its backends are.
func (s *status) Health(context.Context) api.Health {
	members := s.members.list()
	backends := make([]api.BackendHealth, 0, len(members))
	for _, m := range members {
		info, now := m.store.Info(), m.watch.Now()
		since := now.Since.UTC()
		backends = append(backends, api.BackendHealth{Name: info.Name, Engine: info.Engine, State: stateOf(m, now), Reason: reason(now), Since: since})
	}
	return s.app.health(backends)
}

func (a *App) health(backends []api.BackendHealth) api.Health {
	now := a.life.now()
	return api.Health{
		Status: now.status(), Reason: a.life.reason(), Version: a.build.Version,
		UptimeSeconds: int64(time.Since(a.life.began).Seconds()), Backends: append([]api.BackendHealth{}, backends...),
	}
}

// Ready is nil while requests are welcome: the gateway runs, and every backend serves
// without which there is something that can't be written.
func (s *status) Ready(context.Context) error {
	if reason := s.app.life.reason(); reason != "" {
		return &store.Error{Code: store.Unavailable, Detail: reason}
	}
	for _, m := range s.members.list() {
		if now := m.watch.Now(); !serves(now) && s.decides(m) {
			return &store.Error{Code: store.Unavailable, Detail: reason(now), Err: now.Err}
		}
	}
	return nil
}

// Stats tells what has been counted.
func (s *status) Stats(ctx context.Context) api.Stats {
	now, snapshot := time.Now().UTC(), s.app.requests.Snapshot()
	all := snapshot.All
	stats := api.Stats{
		Time: now, StartedAt: s.app.life.began.UTC(), UptimeSeconds: int64(now.Sub(s.app.life.began).Seconds()),
		Streams: snapshot.OpenStreams,
		Requests: api.RequestStats{
			Total: int64(all.Requests), Successful: int64(all.Successful), Failed: int64(all.Refused + all.Failed),
			BytesIn: all.BytesIn, BytesOut: all.BytesOut, Latency: latency(all),
		},
		Operations: []api.OperationStats{}, Strategies: []api.StrategyStats{},
	}
	for _, name := range snapshot.Names() {
		f := snapshot.Operations[name]
		stats.Operations = append(stats.Operations, api.OperationStats{
			Operation: name, Total: int64(f.Requests), Failed: int64(f.Refused + f.Failed), Latency: latency(f),
		})
	}
	secondaries := s.strategies.secondaryFigures(ctx)
	for _, m := range s.members.list() {
		tally, figures := s.app.calls.Of(m.name), s.figures.Figures(ctx, m.name)
		maps.Copy(figures, telemetry.Values(m.guard.figures()))
		maps.Copy(figures, telemetry.Values(secondaries[m.name]))
		stats.Backends = append(stats.Backends, api.BackendStats{
			Name: m.name, Total: int64(tally.Requests), Failed: int64(tally.Failed), Latency: latency(tally.Figures),
			Calls: callStats(tally), Failures: failures(tally), Figures: figures,
		})
	}
	told := s.strategies.figures()
	for _, name := range slices.Sorted(maps.Keys(told)) {
		tally, values := s.app.through.Of(name), telemetry.Values(told[name])
		stats.Strategies = append(stats.Strategies, api.StrategyStats{
			Name: name, Total: int64(tally.Requests), Failed: int64(tally.Failed), Latency: latency(tally.Figures),
			Calls: callStats(tally), Failures: failures(tally), Figures: values,
		})
		stats.Fallbacks += int64(values["fallbacks_total"])
	}
	return stats
}

// Backends tells what the backends are, can do, and how they fare.
func (s *status) Backends(ctx context.Context) []api.Backend {
	members := s.members.list()
	all := make([]api.Backend, len(members))
	var tell sync.WaitGroup
	for i, m := range members {
		tell.Go(func() { all[i] = s.tellOf(ctx, m, m.watch.Now()) })
	}
	tell.Wait()
	return all
}

func (s *status) tellOf(ctx context.Context, m *member, now health.Condition) api.Backend {
	info, about := m.store.Info(), describe(ctx, m.store)
	details := maps.Clone(about.details)
	if m.guard.breaker != nil {
		details["breaker"] = m.guard.breaker.State().String()
	}
	capabilities := make([]string, len(info.Capabilities))
	for i, c := range info.Capabilities {
		capabilities[i] = string(c)
	}
	limits := info.Limits.WithDefaults()
	told := api.Backend{
		Name: info.Name, Engine: info.Engine, Role: s.role(m), State: stateOf(m, now), URL: m.shownURL(),
		Capabilities: capabilities,
		Limits: api.BackendLimits{
			MaxValueBytes: limits.MaxValueBytes, MaxDepth: limits.MaxDepth, MaxOperations: limits.MaxOperations,
			MaxPage: limits.MaxPage, ScanBudget: limits.ScanBudget,
		},
		Durability: about.durability, LatencyMs: milliseconds(now.Took), Details: details,
	}
	s.strategies.arrearsOf(ctx, m.name).tell(&told)
	return told
}

func callStats(t telemetry.Tally) []api.CallStats {
	all := make([]api.CallStats, len(t.Calls))
	for i, c := range t.Calls {
		all[i] = api.CallStats{Call: c.Name, Total: int64(c.Requests), Failed: int64(c.Failed), Latency: latency(c.Figures)}
	}
	return all
}

func failures(t telemetry.Tally) api.FailureCounts {
	counts := make(api.FailureCounts, len(t.Failures))
	for code, n := range t.Failures {
		counts[code] = int64(n)
	}
	return counts
}

func latency(f telemetry.Figures) api.Latency {
	return api.Latency{
		AverageMs: milliseconds(f.Mean), PeakMs: milliseconds(f.Peak), P50Ms: milliseconds(f.P50), P99Ms: milliseconds(f.P99),
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
