package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"larder/internal/buildinfo"
	"larder/internal/config"
	"larder/internal/router"
	"larder/internal/store"
	"larder/internal/telemetry"
)

// Options are what a process gives besides its settings. The zero value works.
type Options struct {
	LogTo io.Writer // nil: standard error

	// Open opens a backend; nil: by its URL.
	Open func(ctx context.Context, cfg config.Config, b config.Backend, log zerolog.Logger) (store.Store, error)
}

// App is a gateway.
type App struct {
	cfg      config.Config
	options  Options
	build    buildinfo.Info
	log      zerolog.Logger
	life     *life
	registry *prometheus.Registry
	requests *telemetry.Requests
	calls    *telemetry.Calls // to backends
	through  *telemetry.Calls // through strategies
}

// New makes a gateway and does nothing yet. It fails where the settings are
// wrong, with a *config.Error.
func New(cfg config.Config, o Options) (*App, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	log, err := telemetry.NewLogger(telemetry.LogOptions{
		Level: string(cfg.LogLevel), Format: string(cfg.LogFormat), Out: o.LogTo,
	})
	if err != nil {
		return nil, err
	}
	if o.Open == nil {
		o.Open = openMember
	}
	build := buildinfo.Read()
	a := &App{
		cfg: cfg, options: o, build: build, log: log, life: newLife(time.Now()),
		registry: telemetry.NewRegistry(build),
		requests: telemetry.NewRequests(),
		calls:    telemetry.NewCalls("backend"),
		through:  telemetry.NewCalls("strategy"),
	}
	a.registry.MustRegister(a.requests, a.calls, a.through)
	return a, nil
}

// Run serves until ctx ends, and returns once all is put away. It may be
// called once. The error is nil where that went as it should.
func (a *App) Run(ctx context.Context) (err error) {
	defer raiseHeapFloor()()
	starting := a.log.Info().Str("version", a.build.Version).Str("listen", a.cfg.Listen)
	if len(a.cfg.Backends) == 0 {
		starting.Str("primary", config.HideSecrets(a.cfg.Primary))
	} else {
		starting.Strs("backends", a.cfg.Backends.Names()).Str("routes", a.cfg.Routes)
	}
	if name := a.cfg.PrimaryVariable(); name != "" {
		starting.Str("primary_from", name)
	}
	starting.Msg("starting")
	put := cleanups{log: a.log}
	defer func() {
		err = errors.Join(err, put.away())
		a.life.end(err)
		a.log.Info().Dur("uptime_ms", time.Since(a.life.began)).Msg("stopped")
	}()

	listener, err := listen(ctx, a.cfg)
	if err != nil {
		return err
	}
	front := newDoor(a.starting())
	server := newServer(a.cfg, a.requests.CountInFlight(front), a.log)
	served := serve(server, listener)
	put.later("server", func() error { return errors.Join(server.Close(), served.wait()) })

	h, about, err := a.assemble(ctx, &put)
	if err != nil {
		if ctx.Err() != nil {
			return nil // told to stop before it began
		}
		return err
	}
	put.later("requests", func() error { return a.drain(server, h) })
	front.open(h)
	a.life.enter(running)
	a.log.Info().Stringer("address", listener.Addr()).Str("backend", about.engine).
		Str("durability", about.durability).Dur("took_ms", time.Since(a.life.began)).Msg("ready")

	select {
	case <-ctx.Done():
		a.life.enter(stopping)
		a.log.Info().Msg("stopping")
		return a.linger(served)
	case <-served.done:
		return served.wait()
	}
}

// assemble opens the store and builds what answers requests.
func (a *App) assemble(ctx context.Context, put *cleanups) (handler, about, error) {
	var line successions
	ms := &registry{app: a, fence: line.fence}
	if err := ms.open(ctx, put); err != nil {
		return nil, about{}, err
	}
	added := &additions{app: a, members: ms}
	put.later("backends that were added", added.close)
	if err := line.open(ctx, a, ms, put); err != nil {
		return nil, about{}, err
	}
	routes, err := a.cfg.RouteList()
	if err != nil {
		return nil, about{}, err
	}
	system := line.system()
	if missing, is := system.opened.(absent); is { // without the system tables nothing is known
		return nil, about{}, memberError(a.cfg, config.Backend{Name: system.name, URL: system.url}, missing.err, a.log)
	}
	built := newStrategies(a, ms, system.name)
	put.later("strategies", built.close)
	lanes, err := built.lanes(routes)
	if err != nil {
		return nil, about{}, err
	}
	s, err := router.New(router.Options{Info: system.store.Info(), System: system.store, Lanes: lanes})
	if err != nil {
		return nil, about{}, err
	}
	line.rule(s, built)
	put.later("router", func() error { return errors.Join(line.end(), s.Close()) })
	ms.strategies, added.router = built, s
	ms.watch()
	put.later("health", ms.unwatch)

	figures := telemetry.NewBackends(ms.figures, telemetry.BackendOptions{})
	put.later("figures", figures.Close)
	if err := a.registry.Register(figures); err != nil {
		return nil, about{}, err
	}
	if err := a.registry.Register(telemetry.Guards{Figures: ms.guardFigures}); err != nil {
		return nil, about{}, err
	}
	if err := a.registry.Register(telemetry.Guards{Figures: func() map[string][]telemetry.Figure { return built.secondaryFigures(context.Background()) }}); err != nil {
		return nil, about{}, err
	}
	if err := a.registry.Register(telemetry.Strategies{Figures: built.figures}); err != nil {
		return nil, about{}, err
	}
	tells := &status{app: a, members: ms, line: &line, additions: added, router: s, figures: figures, strategies: built}
	h, err := a.newHandler(ctx, s, tells, put)
	if err != nil {
		return nil, about{}, err
	}
	return h, describe(ctx, system.store), nil
}

// linger goes on serving for a while, so that load balancers see /readyz fail
// before connections do.
func (a *App) linger(served *serving) error {
	if a.cfg.ShutdownDelay == 0 {
		return nil
	}
	delay := time.NewTimer(a.cfg.ShutdownDelay)
	defer delay.Stop()
	select {
	case <-delay.C:
		return nil
	case <-served.done:
		return served.wait()
	}
}

// drain ends the streams and waits for the requests under way. Those that are
// not done in time are cut off.
func (a *App) drain(server *http.Server, h handler) error {
	h.EndStreams()
	ctx, cancel := context.WithTimeout(context.Background(), a.cfg.ShutdownTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return fmt.Errorf("%d requests were cut off after %v: %w", a.requests.InFlight(), a.cfg.ShutdownTimeout, errors.Join(err, server.Close()))
	}
	return nil
}
