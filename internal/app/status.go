package app

import (
	"context"
	"time"

	"larder/api"
	"larder/internal/store"
	"larder/internal/telemetry"
)

// status is what the gateway tells about itself at /health, /readyz, /stats
// and /backends.
type status struct {
	app     *App
	primary *probe
	figures *telemetry.Backends
}

// primaryRole is what the only backend is for.
const primaryRole = "primary"

// Health tells how the gateway and its backend are.
func (s *status) Health(ctx context.Context) api.Health {
	info, found := s.primary.store.Info(), s.primary.check(ctx)
	return s.app.health([]api.BackendHealth{{
		Name: info.Name, Engine: info.Engine, State: found.state(), Reason: found.reason(),
	}})
}

func (a *App) health(backends []api.BackendHealth) api.Health {
	now := a.life.now()
	return api.Health{
		Status: now.status(), Reason: a.life.reason(), Version: a.build.Version,
		UptimeSeconds: int64(time.Since(a.life.began).Seconds()), Backends: append([]api.BackendHealth{}, backends...),
	}
}

// Ready is nil while requests are welcome: the gateway runs, and its backend
// serves.
func (s *status) Ready(ctx context.Context) error {
	if reason := s.app.life.reason(); reason != "" {
		return &store.Error{Code: store.Unavailable, Detail: reason}
	}
	if found := s.primary.check(ctx); found.err != nil {
		return &store.Error{Code: store.Unavailable, Detail: found.reason(), Err: found.err}
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
		Operations: []api.OperationStats{},
	}
	for _, name := range snapshot.Names() {
		f := snapshot.Operations[name]
		stats.Operations = append(stats.Operations, api.OperationStats{
			Operation: name, Total: int64(f.Requests), Failed: int64(f.Refused + f.Failed), Latency: latency(f),
		})
	}
	name := s.primary.store.Info().Name
	calls := s.app.calls.Backend(name)
	stats.Backends = []api.BackendStats{{
		Name: name, Total: int64(calls.Requests), Failed: int64(calls.Failed), Latency: latency(calls),
		Figures: s.figures.Figures(ctx, name),
	}}
	return stats
}

// Backends tells what the backend is, can do, and how it fares.
func (s *status) Backends(ctx context.Context) []api.Backend {
	info, found, about := s.primary.store.Info(), s.primary.check(ctx), describe(ctx, s.primary.store)
	capabilities := make([]string, len(info.Capabilities))
	for i, c := range info.Capabilities {
		capabilities[i] = string(c)
	}
	limits := info.Limits.WithDefaults()
	return []api.Backend{{
		Name: info.Name, Engine: info.Engine, Role: primaryRole, State: found.state(),
		Capabilities: capabilities,
		Limits: api.BackendLimits{
			MaxValueBytes: limits.MaxValueBytes, MaxDepth: limits.MaxDepth, MaxOperations: limits.MaxOperations,
			MaxPage: limits.MaxPage, ScanBudget: limits.ScanBudget,
		},
		Durability: about.durability, LatencyMs: milliseconds(found.took), Details: about.details,
	}}
}

func (p probed) state() api.BackendState {
	if p.err != nil {
		return api.BackendStateDown
	}
	return api.BackendStateUp
}

// reason says why the backend does not serve, without anything internal.
func (p probed) reason() string {
	if p.err == nil {
		return ""
	}
	if detail := store.AsError(p.err).Detail; detail != "" {
		return detail
	}
	return "the backend does not answer: " + string(store.CodeOf(p.err))
}

func latency(f telemetry.Figures) api.Latency {
	return api.Latency{
		AverageMs: milliseconds(f.Mean), PeakMs: milliseconds(f.Peak), P50Ms: milliseconds(f.P50), P99Ms: milliseconds(f.P99),
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
