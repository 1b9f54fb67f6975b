package app

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"larder/internal/backend"
	"larder/internal/config"
	"larder/internal/health"
	"larder/internal/store"
	"larder/internal/telemetry"
)

// registry has the members: those of the settings, which are always there, and those that
// were added while it runs.
type registry struct {
	app        *App
	strategies *strategies
	fence      func(name string) string

	awaiting     sync.WaitGroup
	stopAwaiting context.CancelFunc

	mu  sync.RWMutex
	all []*member
}

// open opens the backends of the settings. Those that can't be reached are absent for the
// time being.
func (r *registry) open(ctx context.Context, put *cleanups) error {
	for _, b := range r.app.cfg.Members() {
		opened, err := r.app.options.Open(ctx, r.app.cfg, b, r.app.log)
		var m *member
		switch {
		case err == nil:
			m = r.newMember(b, opened)
		case canWait(err) && ctx.Err() == nil:
			m = r.absence(b, err)
		default:
			return memberError(r.app.cfg, b, err, r.app.log)
		}
		put.later("store "+b.Name, func() error { return r.of(b.Name).opened.Close() })
		m.fixed = true
		r.add(m)
	}
	return nil
}

// newMember is a member over an opened store, with what stands before every one.
func (r *registry) newMember(b config.Backend, opened store.Store) *member {
	m := &member{name: b.Name, url: b.URL, own: backend.Embedded(b.URL), opened: opened, atMode: new(atomic.Uint32)}
	r.app.guard(m, opened, func() string {
		if why := m.mode().refuses(); why != "" {
			return why
		}
		return r.fence(m.name)
	})
	return m
}

func (r *registry) add(m *member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(slices.Clip(r.all), m)
}

// replace has a member take the place of another of its name, and be used for what that is
// used for. It says whether that was there still.
func (r *registry) replace(m, by *member) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := slices.Index(r.all, m)
	if at < 0 {
		return false
	}
	by.atMode = m.atMode
	by.watch = r.watchOf(by)
	r.all = slices.Clone(r.all)
	r.all[at] = by
	m.counts.Release()
	return true
}

// remove takes a member out. Whoever has it goes on with it, and is counted no more.
func (r *registry) remove(m *member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = slices.DeleteFunc(slices.Clone(r.all), func(other *member) bool { return other == m })
	m.counts.Release()
}

// names are those of the members, but for those that go as soon as no route names them.
func (r *registry) names() []string {
	var all []string
	for _, m := range r.list() {
		if !m.leaving.Load() {
			all = append(all, m.name)
		}
	}
	return all
}

// refuse says why a member must not be named in new routes, "" where it may.
func (r *registry) refuse(name string) string {
	m := r.of(name)
	if m == nil || m.mode() == active {
		return ""
	}
	return "it is " + m.mode().String()
}

// list gives the members there are: those of the settings in their order, then the others.
func (r *registry) list() []*member {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.all
}

// of finds a member; nil: there is none of that name.
func (r *registry) of(name string) *member {
	all := r.list()
	i := slices.IndexFunc(all, func(m *member) bool { return m.name == name })
	if i < 0 {
		return nil
	}
	return all[i]
}

// watch begins to look at all of them.
func (r *registry) watch() {
	for _, m := range r.list() {
		m.watch = r.watchOf(m)
	}
}

func (r *registry) watchOf(m *member) *health.Watcher { return r.app.watch(m, r.strategies, r.fence) }

// unwatch ends that.
func (r *registry) unwatch() error {
	var errs []error
	for _, m := range r.list() {
		errs = append(errs, m.watch.Close())
	}
	return errors.Join(errs...)
}

// figures are the members as metrics want them.
func (r *registry) figures() []telemetry.Backend {
	all := r.list()
	told := make([]telemetry.Backend, len(all))
	for i, m := range all {
		told[i] = figuresOf(m.store)
	}
	return told
}

// guardFigures are what their guards count, by name.
func (r *registry) guardFigures() map[string][]telemetry.Figure {
	told := make(map[string][]telemetry.Figure)
	for _, m := range r.list() {
		told[m.name] = m.guard.figures()
	}
	return told
}
