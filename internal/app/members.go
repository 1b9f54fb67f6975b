package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/rs/zerolog"

	"larder/internal/backend"
	"larder/internal/config"
	"larder/internal/health"
	"larder/internal/router"
	"larder/internal/store"
	"larder/internal/telemetry"
)

// member is a backend that has been opened.
type member struct {
	name   string
	url    string
	fixed  bool // of the settings
	own    bool // other instances have another one of that name
	opened store.Store

	store store.Store // with what stands before every backend
	kept  store.Store // the same, also while reads are to go elsewhere: for what keeps it up
	past  store.Store // the same, past every gate: for those who look at it
	guard guard
	calls atomic.Int64 // under way through any of them
	watch *health.Watcher

	counts *telemetry.Callee // its calls, told of until it is released

	atMode  *atomic.Uint32 // shared with the one whose place it takes
	leaving atomic.Bool    // it is kept no longer, and routes that are going name it
}

// mode is what a member is used for.
type mode uint32

const (
	active   mode = iota
	draining      // it is kept up, and reads go elsewhere
	disabled      // it is not called at all
)

var modeNames = [...]string{active: "active", draining: "draining", disabled: "disabled"}

// String is the mode's name in the contract.
func (m mode) String() string { return modeNames[m] }

// modeOf is the mode of a use.
func modeOf(u router.Use) mode {
	return mode(max(0, slices.Index(modeNames[:], string(u))))
}

// refuses says why all calls are refused, "" where they are not.
func (m mode) refuses() string {
	if m == disabled {
		return "the backend is disabled"
	}
	return ""
}

// shownURL is where one is that was added, without its secrets.
func (m *member) shownURL() string {
	if m.fixed {
		return ""
	}
	return config.HideSecrets(m.url)
}

func (m *member) mode() mode { return mode(m.atMode.Load()) }

// openMember opens the store that a URL in the settings names.
func openMember(ctx context.Context, cfg config.Config, b config.Backend, log zerolog.Logger) (store.Store, error) {
	log = log.With().Str("backend", b.Name).Logger()
	return backend.Open(ctx, b.URL, memberOptions(cfg, b, &log))
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
