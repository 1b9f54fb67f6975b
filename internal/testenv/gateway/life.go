package gateway

import (
	"context"
	"sync"
	"time"

	"larder/api"
	"larder/internal/httpapi"
	"larder/internal/store"
)

// Life is what the process says of itself. It runs until told otherwise.
type Life struct {
	store   store.Store
	started time.Time

	mu     sync.Mutex
	status api.HealthStatus
}

var _ httpapi.Status = (*Life)(nil)

// NewLife is the life of a process with one backend.
func NewLife(s store.Store) *Life {
	return &Life{store: s, started: time.Now(), status: api.HealthStatusRunning}
}

// Become moves the process to another stage of its life.
func (l *Life) Become(status api.HealthStatus) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status = status
}

// Health implements [httpapi.Status].
func (l *Life) Health(context.Context) api.Health {
	l.mu.Lock()
	defer l.mu.Unlock()
	info := l.store.Info()
	return api.Health{
		Status: l.status, Version: "test", UptimeSeconds: int64(time.Since(l.started) / time.Second),
		Backends: []api.BackendHealth{{Name: info.Name, Engine: info.Engine, State: api.BackendStateUp}},
	}
}

// Ready implements [httpapi.Status].
func (l *Life) Ready(ctx context.Context) error {
	if status := l.Health(ctx).Status; status != api.HealthStatusRunning {
		return &store.Error{Code: store.Unavailable, Detail: "the server is " + string(status)}
	}
	return l.store.Ping(ctx)
}

// Stats implements [httpapi.Status].
func (l *Life) Stats(ctx context.Context) api.Stats {
	figures := api.BackendFigures{}
	if inspector, ok := store.As[store.Inspector](l.store); ok {
		found, _ := inspector.Inspect(ctx) // one that fails tells nothing
		for _, f := range found.Figures {
			figures[f.Name] = f.Value
		}
	}
	return api.Stats{
		Time: time.Now().UTC(), StartedAt: l.started.UTC(), UptimeSeconds: int64(time.Since(l.started) / time.Second),
		Operations: []api.OperationStats{}, Strategies: []api.StrategyStats{}, Backends: []api.BackendStats{{Name: l.store.Info().Name, Calls: []api.CallStats{}, Failures: api.FailureCounts{}, Figures: figures}},
	}
}

// Backends implements [httpapi.Status].
func (l *Life) Backends(context.Context) []api.Backend {
	info := l.store.Info()
	capabilities := make([]string, len(info.Capabilities))
	for i, c := range info.Capabilities {
		capabilities[i] = string(c)
	}
	limits := info.Limits.WithDefaults()
	return []api.Backend{{
		Name: info.Name, Engine: info.Engine, Role: "primary", State: api.BackendStateUp, Capabilities: capabilities,
		Limits: api.BackendLimits{
			MaxValueBytes: limits.MaxValueBytes, MaxDepth: limits.MaxDepth, MaxOperations: limits.MaxOperations,
			MaxPage: limits.MaxPage, ScanBudget: limits.ScanBudget,
		},
		Durability: "as long as the test lives", Details: api.BackendDetails{},
	}}
}
