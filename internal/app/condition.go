package app

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"larder/api"
	"larder/internal/health"
	"larder/internal/store"
)

// watch looks at a member until the end. What it does not answer is logged.
func (a *App) watch(m *member, s *strategies, fence func(name string) string) *health.Watcher {
	log := a.log.With().Str("backend", m.name).Logger()
	return health.Watch(health.Options{
		Ping:   m.ping,
		Fenced: func() string { return fence(m.name) },
		Waits:  func(since time.Time) string { return s.waits(m.name, since) },
		Changed: func(from, to health.Condition) {
			level := zerolog.InfoLevel
			if to.State != health.Up {
				level = zerolog.WarnLevel
			}
			told := log.WithLevel(level).Stringer("from", from.State).Stringer("to", to.State).Str("reason", reason(to))
			if to.Err != nil {
				told = told.Err(to.Err)
			}
			told.Msg("a backend's state has changed")
		},
	})
}

// ping asks the backend, past its fence. One that is disabled is not asked.
func (m *member) ping(ctx context.Context) error {
	if m.mode() == disabled {
		return nil
	}
	return m.past.Ping(ctx)
}

// stateOf is the state as the contract has it.
func stateOf(m *member, c health.Condition) api.BackendState { return stateIn(m.mode(), c) }

// stateIn is the state in a mode.
func stateIn(by mode, c health.Condition) api.BackendState {
	switch {
	case by == disabled:
		return api.BackendStateDisabled
	case by == draining && c.State == health.Up:
		return api.BackendStateDraining
	}
	return api.BackendState(c.State.String())
}

// now is how the backend was when it was last looked at.
func (m *member) now() health.Condition {
	if m.watch == nil {
		return health.Condition{State: health.Up} // it has just answered
	}
	return m.watch.Now()
}

// serves says whether a backend in that state takes calls.
func serves(c health.Condition) bool { return c.State != health.Down && c.State != health.Fenced }

// reason says why a backend is not up, without anything internal.
func reason(c health.Condition) string {
	if c.Err != nil {
		return failure(c.Err)
	}
	return c.Waits
}

// failure says why a backend does not answer, without anything internal.
func failure(err error) string {
	if detail := store.AsError(err).Detail; detail != "" {
		return detail
	}
	return "the backend does not answer: " + string(store.CodeOf(err))
}
