package app

import (
	"context"
	"time"

	"larder/internal/backend"
	"larder/internal/config"
	"larder/internal/router"
	"larder/internal/store"
)

// absent is the store of a backend that could not be reached when larder started. All it
// says is why.
type absent struct {
	name, engine string
	err          error
}

var _ store.Store = absent{}

// Info tells of nothing that it can do.
func (a absent) Info() store.Info { return store.Info{Name: a.name, Engine: a.engine} }

func (a absent) Get(context.Context, []store.Ref) (store.Read, error) { return store.Read{}, a.err }

func (a absent) Apply(context.Context, store.Batch) ([]store.Result, error) { return nil, a.err }

func (a absent) Scan(context.Context, store.Scan) (store.Page, error) { return store.Page{}, a.err }

func (a absent) Changes(context.Context, store.Changes) (store.Feed, error) {
	return store.Feed{}, a.err
}

func (a absent) Install(context.Context, []store.Entry) error { return a.err }

func (a absent) Tables(context.Context) ([]store.TableInfo, error) { return nil, a.err }

func (a absent) Ping(context.Context) error { return a.err }

// Close has nothing to free.
func (a absent) Close() error { return nil }

// absent says whether the backend could not be opened yet.
func (m *member) absent() bool {
	_, is := m.opened.(absent)
	return is
}

// canWait says whether an error of opening is that of a backend which may be there later.
func canWait(err error) bool {
	code := store.CodeOf(err)
	return code == store.Unavailable || code == store.Timeout
}

// openEvery lies between two tries to open a backend that is absent.
const openEvery = time.Second

// await opens a backend that was absent at the start as soon as it can be reached, and has
// it take its place: arrived is told once it has.
func (r *registry) await(ctx context.Context, m *member, arrived func()) {
	log := r.app.log.With().Str("backend", m.name).Logger()
	b := config.Backend{Name: m.name, URL: m.url}
	for {
		select {
		case <-time.After(openEvery):
		case <-ctx.Done():
			return
		}
		opened, err := r.app.options.Open(ctx, r.app.cfg, b, r.app.log)
		switch {
		case err == nil:
			next := r.newMember(b, opened)
			next.fixed = m.fixed
			if !r.replace(m, next) {
				_ = next.discard() // nobody wants it any more
				return
			}
			log.Info().Msg("a backend that could not be reached at the start is there")
			arrived()
			_ = m.watch.Close() // never fails
			return
		case ctx.Err() != nil:
			return
		case !canWait(err):
			log.Error().Err(err).Msg("a backend can't be opened; it is tried again")
		}
	}
}

// awaitAll does so for all of the settings that are absent.
func (r *registry) awaitAll(arrived func(name string)) {
	ctx, stop := context.WithCancel(context.Background())
	r.stopAwaiting = stop
	for _, m := range r.list() {
		if m.absent() && m.fixed {
			r.awaiting.Go(func() { r.await(ctx, m, func() { arrived(m.name) }) })
		}
	}
}

// endAwaiting ends that, and closes those that came.
func (r *registry) endAwaiting() error {
	r.stopAwaiting()
	r.awaiting.Wait()
	return nil
}

// absence is a member in the place of a backend that can't be reached.
func (r *registry) absence(b config.Backend, err error) *member {
	why := &store.Error{Code: store.Unavailable, Backend: b.Name, Detail: failure(err), Err: err}
	return r.newMember(b, absent{name: b.Name, engine: backend.Engine(b.URL), err: why})
}

// arrived has a member be used that was absent at the start.
func (s *status) arrived(name string, book *router.Book) {
	s.strategies.forget(name)
	s.line.again()
	if err := book.Rebuild(); err != nil {
		s.app.log.Error().Err(err).Str("backend", name).Msg("a backend that is there can't be used")
	}
}
