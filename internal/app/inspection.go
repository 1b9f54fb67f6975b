package app

import (
	"context"
	"time"

	"larder/internal/store"
	"larder/internal/telemetry"
)

// inspectTimeout bounds what a backend may take to tell about itself.
const inspectTimeout = 2 * time.Second

// about is what a backend tells about itself.
type about struct {
	engine     string
	durability string
	details    map[string]string
}

func describe(ctx context.Context, s store.Store) about {
	told := about{engine: s.Info().Engine, durability: "unknown", details: map[string]string{}}
	inspector, ok := store.As[store.Inspector](s)
	if !ok {
		return told
	}
	ctx, cancel := context.WithTimeout(ctx, inspectTimeout)
	defer cancel()
	found, err := inspector.Inspect(ctx)
	if err != nil {
		return told // its state says that it is down
	}
	told.durability = found.Durability
	if found.Details != nil {
		told.details = found.Details
	}
	return told
}

// figuresOf is a backend as metrics want it.
func figuresOf(s store.Store) telemetry.Backend {
	backend := telemetry.Backend{
		Name:    s.Info().Name,
		Figures: func(context.Context) ([]telemetry.Figure, error) { return nil, nil },
	}
	inspector, ok := store.As[store.Inspector](s)
	if !ok {
		return backend
	}
	backend.Figures = func(ctx context.Context) ([]telemetry.Figure, error) {
		found, err := inspector.Inspect(ctx)
		if err != nil {
			return nil, err
		}
		figures := make([]telemetry.Figure, len(found.Figures))
		for i, f := range found.Figures {
			figures[i] = telemetry.Figure(f)
		}
		return figures, nil
	}
	return backend
}
