package app

import (
	"sync"
	"time"

	"larder/api"
)

// state is where a gateway is in its life.
type state uint8

const (
	starting state = iota
	running
	stopping
	stopped
	failed
)

// life knows the state. It only goes forward.
type life struct {
	began time.Time

	mu    sync.RWMutex
	state state
	waits string // what the start waits for; "": nothing
	cause error  // of the failure
}

func newLife(began time.Time) *life { return &life{began: began} }

// enter goes to a later state.
func (l *life) enter(s state) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = max(l.state, s)
}

// end is the last state: stopped, or failed with a cause.
func (l *life) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = stopped
	if err != nil {
		l.state, l.cause = failed, err
	}
}

func (l *life) now() state {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.state
}

// await has the reason tell what the start waits for, "" for nothing any more.
func (l *life) await(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waits = what
}

// reason says why requests are not welcome, "" where they are.
func (l *life) reason() string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	reason := l.state.reason()
	if l.state == starting && l.waits != "" {
		reason += ": " + l.waits
	}
	return reason
}

// status is the state as /health tells it. Whoever has stopped tells nothing
// any more.
func (s state) status() api.HealthStatus {
	switch s {
	case starting:
		return api.HealthStatusStarting
	case running:
		return api.HealthStatusRunning
	case stopping, stopped:
		return api.HealthStatusStopping
	default:
		return api.HealthStatusFailed
	}
}

// reason says why requests are not welcome, "" where they are.
func (s state) reason() string {
	switch s {
	case starting:
		return "the gateway is starting"
	case running:
		return ""
	case stopping, stopped:
		return "the gateway is stopping"
	default:
		return "the gateway has failed; its log says why"
	}
}
