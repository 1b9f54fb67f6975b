package app

import (
	"context"
	"sync"
	"time"

	"larder/internal/store"
)

// How long a health check of a backend may take, and how long its answer is
// used again.
const (
	probeTimeout = time.Second
	probeFresh   = time.Second
)

// probe knows whether a backend serves.
type probe struct {
	store store.Store

	mu     sync.Mutex
	asked  time.Time
	result probed
}

// probed is what a probe found.
type probed struct {
	took time.Duration
	err  error
}

// check gives an answer no older than probeFresh. Whoever comes while a check
// is under way waits for that one.
func (p *probe) check(ctx context.Context) probed {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.asked.IsZero() && time.Since(p.asked) < probeFresh {
		return p.result
	}
	// Whose request it was that asked does not matter to those after it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeTimeout)
	defer cancel()
	began := time.Now()
	err := p.store.Ping(ctx)
	p.result, p.asked = probed{time.Since(began), err}, time.Now()
	return p.result
}
