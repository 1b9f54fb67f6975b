package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rs/zerolog"

	"larder/internal/backend"
	"larder/internal/config"
	"larder/internal/health"
	"larder/internal/store"
	"larder/internal/telemetry"
)

// member is a backend that has been opened.
type member struct {
	name  string
	own   bool        // other instances have another one of that name
	store store.Store // with what stands before every backend
	past  store.Store // the same, past the fence of one whose place was taken
	guard guard
	watch *health.Watcher
}

// members are all of them, in the order of the settings.
type members []*member

// openMembers opens all backends.
func (a *App) openMembers(ctx context.Context, put *cleanups, fence func(name string) string) (members, error) {
	var all members
	for _, b := range a.cfg.Members() {
		opened, err := a.options.Open(ctx, a.cfg, b, a.log)
		if err != nil {
			return nil, err
		}
		put.later("store "+b.Name, opened.Close)
		m := &member{name: b.Name, own: backend.Embedded(b.URL)}
		a.guard(m, opened, func() string { return fence(b.Name) })
		all = append(all, m)
	}
	return all, nil
}

// watch begins to look at all of them.
func (ms members) watch(a *App, s *strategies, fence func(name string) string) {
	for _, m := range ms {
		m.watch = a.watch(m, s, fence)
	}
}

// unwatch ends that.
func (ms members) unwatch() error {
	var errs []error
	for _, m := range ms {
		errs = append(errs, m.watch.Close())
	}
	return errors.Join(errs...)
}

// of finds a member; nil: there is none of that name.
func (ms members) of(name string) *member {
	i := slices.IndexFunc(ms, func(m *member) bool { return m.name == name })
	if i < 0 {
		return nil
	}
	return ms[i]
}

// capabilities are those that any of them has.
func (ms members) capabilities() []store.Capability {
	var all []store.Capability
	for _, m := range ms {
		for _, c := range m.store.Info().Capabilities {
			if !slices.Contains(all, c) {
				all = append(all, c)
			}
		}
	}
	return all
}

// figures are the members as metrics want them.
func (ms members) figures() []telemetry.Backend {
	all := make([]telemetry.Backend, len(ms))
	for i, m := range ms {
		all[i] = figuresOf(m.store)
	}
	return all
}

// openMember opens the store that a URL in the settings names.
func openMember(ctx context.Context, cfg config.Config, b config.Backend, log zerolog.Logger) (store.Store, error) {
	log = log.With().Str("backend", b.Name).Logger()
	opened, err := backend.Open(ctx, b.URL, memberOptions(cfg, b, &log))
	if err != nil {
		return nil, memberError(cfg, b, err, log)
	}
	return opened, nil
}

// settingOf is the setting that a backend is from, and how to name it there.
func settingOf(cfg config.Config, b config.Backend) (setting, name string) {
	if len(cfg.Backends) == 0 {
		return "LARDER_PRIMARY", ""
	}
	return "LARDER_BACKENDS", b.Name + ": "
}

// memberError says to the operator why a backend can't be opened.
func memberError(cfg config.Config, b config.Backend, err error, log zerolog.Logger) error {
	setting, name := settingOf(cfg, b)
	wrong, ok := errors.AsType[*store.Error](err)
	switch {
	case !ok || wrong.Detail == "" || wrong.Code == store.Canceled:
		return fmt.Errorf("%s: %s%w", setting, name, err)
	case wrong.Code.Fault() == store.CallersFault:
		return &config.Error{Problems: []config.Problem{{Setting: setting, Detail: name + wrong.Detail}}}
	default:
		log.Debug().Err(err).Msg("can't open the backend")
		return fmt.Errorf("%s: %s%s", setting, name, wrong.Detail)
	}
}
