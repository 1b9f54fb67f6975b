package app

import (
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
		Ping:   m.past.Ping,
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

// stateOf is the state as the contract has it.
func stateOf(c health.Condition) api.BackendState { return api.BackendState(c.State.String()) }

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
