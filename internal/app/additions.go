package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"larder/internal/config"
	"larder/internal/router"
)

// additions have the registry go by the listing: they open the backends that are kept there,
// close those that no longer are, and say what each is used for.
type additions struct {
	app     *App
	members *registry
	router  *router.Router // set before the listing is opened

	closing sync.WaitGroup

	mu      sync.Mutex
	opened  *member           // by who is about to keep it; nil: none
	arrived func(name string) // has one be used that was absent; nil: nothing is used yet
}

// take goes by what is kept. The error is of what has to be tried again.
func (d *additions) take(ctx context.Context, all []router.Listed) error {
	kept := make(map[string]router.Listed, len(all))
	var errs []error
	for _, l := range all {
		kept[l.Name] = l
	}
	for _, m := range d.members.list() {
		l, found := kept[m.name]
		switch {
		case m.fixed && !found:
			m.atMode.Store(uint32(active))
		case m.fixed || found && l.URL == m.url:
			m.leaving.Store(false)
			m.atMode.Store(uint32(modeOf(l.Use)))
		case len(d.router.Routes().Naming(m.name)) > 0:
			m.leaving.Store(true)
			errs = append(errs, fmt.Errorf("%s is kept no longer, and the routes name it still", m.name))
		default:
			d.retire(m)
		}
	}
	for _, l := range all {
		if l.URL == "" {
			continue
		}
		if m := d.members.of(l.Name); m == nil {
			errs = append(errs, d.add(ctx, l))
		} else if m.absent() && !m.fixed {
			errs = append(errs, d.tryAgain(ctx, m))
		}
	}
	return errors.Join(errs...)
}

// add adds one that is kept: as it was lent, or opened here. One that can't be is absent
// for the time being.
func (d *additions) add(ctx context.Context, l router.Listed) (err error) {
	m := d.lent(l)
	if m == nil {
		m, err = d.open(ctx, config.Backend{Name: l.Name, URL: l.URL})
	}
	m.atMode.Store(uint32(modeOf(l.Use)))
	m.watch = d.members.watchOf(m)
	d.members.add(m)
	if err == nil {
		d.app.log.Info().Str("backend", l.Name).Msg("a backend was added")
	}
	return err
}

// open opens one. With an error the member is absent.
func (d *additions) open(ctx context.Context, b config.Backend) (*member, error) {
	opened, err := d.app.options.Open(ctx, d.app.cfg, b, d.app.log)
	if err != nil {
		return d.members.absence(b, err), fmt.Errorf("%s can't be opened: %w", b.Name, err)
	}
	return d.members.newMember(b, opened), nil
}

// use has absent members be tried again, and arrived be told of those that come.
func (d *additions) use(arrived func(name string)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.arrived = arrived
}

// tryAgain opens one that is absent, and has it take its place.
func (d *additions) tryAgain(ctx context.Context, m *member) error {
	d.mu.Lock()
	arrived := d.arrived
	d.mu.Unlock()
	if arrived == nil {
		return fmt.Errorf("%s is absent", m.name)
	}
	b := config.Backend{Name: m.name, URL: m.url}
	opened, err := d.app.options.Open(ctx, d.app.cfg, b, d.app.log)
	if err != nil {
		return fmt.Errorf("%s can't be opened: %w", m.name, err)
	}
	next := d.members.newMember(b, opened)
	if !d.members.replace(m, next) {
		return next.discard() // it was removed meanwhile
	}
	d.app.log.Info().Str("backend", m.name).Msg("a backend that could not be reached when it was added is there")
	arrived(m.name)
	return m.watch.Close()
}

// lend has a member be taken that is opened already, if it is kept.
func (d *additions) lend(m *member) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.opened = m
}

// lent is the one, nobody's any more; nil: it is none, or another.
func (d *additions) lent(l router.Listed) *member {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := d.opened
	if m == nil || m.name != l.Name || m.url != l.URL {
		return nil
	}
	d.opened = nil
	return m
}

// takeBack closes the member that was lent, if nobody took it.
func (d *additions) takeBack() error {
	d.mu.Lock()
	m := d.opened
	d.opened = nil
	d.mu.Unlock()
	if m == nil {
		return nil
	}
	return m.discard()
}

// retire takes a member out that no route names, and closes it once the calls to it have
// ended.
func (d *additions) retire(m *member) {
	d.members.remove(m)
	ledger := d.members.strategies.release(m.name)
	d.closing.Go(func() {
		d.router.Settle()
		var errs []error
		if ledger != nil {
			errs = append(errs, ledger.Close())
		}
		errs = append(errs, m.watch.Close())
		d.rest(m)
		log := d.app.log.With().Str("backend", m.name).Logger()
		if err := errors.Join(append(errs, m.opened.Close())...); err != nil {
			log.Warn().Err(err).Msg("a backend that was removed did not close as it should")
			return
		}
		log.Info().Msg("a backend was removed, and is closed")
	})
}

// restPause lies between two looks at whether a member's calls have ended.
const restPause = 10 * time.Millisecond

// rest waits until nobody calls a member any more.
func (d *additions) rest(m *member) {
	tick := time.NewTicker(restPause)
	defer tick.Stop()
	for m.calls.Load() > 0 {
		<-tick.C
	}
}

// close closes all that were added.
func (d *additions) close() error {
	d.closing.Wait()
	errs := []error{d.takeBack()}
	for _, m := range d.members.list() {
		if !m.fixed {
			errs = append(errs, m.opened.Close())
		}
	}
	return errors.Join(errs...)
}
