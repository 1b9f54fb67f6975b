package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"larder/api"
	"larder/internal/backend"
	"larder/internal/config"
	"larder/internal/httpapi"
	"larder/internal/router"
	"larder/internal/store"
)

// administration changes which backends there are, as the contract has it.
type administration struct {
	additions *additions
	members   *registry
	status    *status
	listing   *router.Listing
	book      *router.Book

	changing sync.Mutex // one at a time here
}

var _ httpapi.Backends = (*administration)(nil)

// Version implements [httpapi.Backends].
func (d *administration) Version(name string) int64 {
	l, _ := d.listing.Of(name)
	return l.Version
}

// Put implements [httpapi.Backends].
func (d *administration) Put(ctx context.Context, name, url string, c httpapi.BackendChange) (told httpapi.BackendChanged, err error) {
	d.changing.Lock()
	defer d.changing.Unlock()
	if err := checkAddition(name, url); err != nil {
		return httpapi.BackendChanged{}, err
	}
	err = router.Anew(func() error {
		told, err = d.put(ctx, name, url, c)
		return err
	})
	return told, err
}

func (d *administration) put(ctx context.Context, name, url string, c httpapi.BackendChange) (httpapi.BackendChanged, error) {
	if err := d.listing.Renew(ctx); err != nil {
		return httpapi.BackendChanged{}, err
	}
	m := d.members.of(name)
	if m != nil && m.fixed {
		return httpapi.BackendChanged{}, ofSettings(name)
	}
	was, kept := d.listing.Of(name)
	if err := holds(c.If, was.Version); err != nil {
		return httpapi.BackendChanged{}, err
	}
	if m != nil && kept && was.URL == url {
		return d.changed(ctx, m, was), nil
	}
	var guards []router.Guard
	if m != nil {
		unnamed, err := d.unnamed(ctx, name)
		if err != nil {
			return httpapi.BackendChanged{}, err
		}
		guards = append(guards, unnamed)
	}
	added, err := d.open(ctx, config.Backend{Name: name, URL: url})
	if err != nil {
		return httpapi.BackendChanged{}, err
	}
	told := d.changed(ctx, added, was)
	if c.DryRun {
		return told, added.discard()
	}
	next := router.Listed{Name: name, URL: url, Use: cmp.Or(was.Use, router.Active)}
	d.additions.lend(added)
	next, err = d.listing.Put(ctx, next, onlyAt(c.If, was.Version), guards...)
	if err := errors.Join(err, d.additions.takeBack()); err != nil {
		return httpapi.BackendChanged{}, err
	}
	told.Version, told.Created = next.Version, !kept
	return told, nil
}

// checkAddition holds a name and a URL to what they may be.
func checkAddition(name, url string) error {
	if wrong := config.CheckBackendName(name); wrong != "" {
		return &store.Error{Code: store.InvalidBackend, Field: "name", Detail: wrong}
	}
	if wrong := config.CheckBackendURL(url); wrong != "" {
		return &store.Error{Code: store.InvalidBackend, Field: "url", Detail: "the URL is " + wrong}
	}
	if backend.Embedded(url) {
		return &store.Error{Code: store.InvalidBackend, Field: "url", Detail: "a bbolt file belongs to one instance, and all instances open what is added; name it in LARDER_BACKENDS"}
	}
	return nil
}

// additionTimeout bounds what a backend may take to be opened, and to answer once.
const additionTimeout = 5 * time.Second

// open opens a backend that is to be added, and has it answer once.
func (d *administration) open(ctx context.Context, b config.Backend) (*member, error) {
	ctx, cancel := context.WithTimeout(ctx, additionTimeout)
	defer cancel()
	app := d.additions.app
	opened, err := app.options.Open(ctx, app.cfg, b, app.log)
	if err != nil {
		return nil, notAdded(err)
	}
	if err := opened.Ping(ctx); err != nil {
		return nil, notAdded(errors.Join(err, opened.Close()))
	}
	return d.members.newMember(b, opened), nil
}

// discard closes a member that has not been added.
func (m *member) discard() error {
	m.counts.Release()
	return m.opened.Close()
}

// notAdded says why a backend can't be added.
func notAdded(err error) error {
	code := store.Unavailable
	if store.CodeOf(err).Fault() == store.CallersFault && store.CodeOf(err) != store.Canceled {
		code = store.InvalidBackend
	}
	return &store.Error{Code: code, Field: "url", Detail: "it can't be opened: " + failure(err), Err: err}
}

// Patch implements [httpapi.Backends].
func (d *administration) Patch(ctx context.Context, name string, use api.BackendUse, c httpapi.BackendChange) (told httpapi.BackendChanged, err error) {
	d.changing.Lock()
	defer d.changing.Unlock()
	err = router.Anew(func() error {
		told, err = d.patch(ctx, name, use, c)
		return err
	})
	return told, err
}

func (d *administration) patch(ctx context.Context, name string, use api.BackendUse, c httpapi.BackendChange) (httpapi.BackendChanged, error) {
	if err := d.listing.Renew(ctx); err != nil {
		return httpapi.BackendChanged{}, err
	}
	m := d.members.of(name)
	if m == nil {
		return httpapi.BackendChanged{}, noMember()
	}
	was, _ := d.listing.Of(name)
	if err := holds(c.If, was.Version); err != nil {
		return httpapi.BackendChanged{}, err
	}
	next := router.Listed{Name: name, URL: was.URL, Use: router.Use(use), Version: was.Version}
	var guards []router.Guard
	if next.Use != router.Active {
		dispensable, err := d.dispensable(ctx, m)
		if err != nil {
			return httpapi.BackendChanged{}, err
		}
		guards = append(guards, dispensable)
	}
	if c.DryRun || cmp.Or(was.Use, router.Active) == next.Use {
		told := d.changed(ctx, m, next)
		told.Backend.State = stateIn(modeOf(next.Use), m.watch.Now())
		return told, nil
	}
	next, err := d.listing.Put(ctx, next, onlyAt(c.If, was.Version), guards...)
	if err != nil {
		return httpapi.BackendChanged{}, err
	}
	return d.changed(ctx, m, next), nil
}

// Delete implements [httpapi.Backends].
func (d *administration) Delete(ctx context.Context, name string, c httpapi.BackendChange) error {
	d.changing.Lock()
	defer d.changing.Unlock()
	return router.Anew(func() error { return d.delete(ctx, name, c) })
}

func (d *administration) delete(ctx context.Context, name string, c httpapi.BackendChange) error {
	if err := d.listing.Renew(ctx); err != nil {
		return err
	}
	if m := d.members.of(name); m != nil && m.fixed {
		return ofSettings(name)
	}
	was, kept := d.listing.Of(name)
	if !kept {
		return noMember()
	}
	if err := holds(c.If, was.Version); err != nil {
		return err
	}
	unnamed, err := d.unnamed(ctx, name)
	if err != nil || c.DryRun {
		return err
	}
	return d.listing.Remove(ctx, name, onlyAt(c.If, was.Version), unnamed)
}

// unnamed fails where routes name a member, tables are being moved to it, or it has the
// system tables. The guard holds while none of that changes.
func (d *administration) unnamed(ctx context.Context, name string) (router.Guard, error) {
	routes, guard, err := d.routes(ctx)
	if err != nil {
		return router.Guard{}, err
	}
	if naming := routes.Naming(name); len(naming) > 0 {
		return router.Guard{}, inUse("%s is named by %s; PUT /routes without it first", name, naming)
	}
	if err := d.untouched(name); err != nil {
		return router.Guard{}, err
	}
	return guard, d.notSystem(name)
}

// untouched fails where tables are being moved to or from a member.
func (d *administration) untouched(name string) error {
	if t, _ := d.book.Transfer(); t != nil && (t.From == name || t.To == name) {
		return inUse("operation %s is moving %s from %s to %s; wait for it, or cancel it", t.Operation, t.Tables, t.From, t.To)
	}
	return nil
}

// routes are those that are kept now, with what holds while they are.
func (d *administration) routes(ctx context.Context) (router.Routes, router.Guard, error) {
	if err := d.book.Renew(ctx); err != nil {
		return nil, router.Guard{}, err
	}
	routes, version := d.book.Routes()
	return routes, router.RoutesAt(version), nil
}

// dispensable fails where a member decides on something, or is about to.
func (d *administration) dispensable(ctx context.Context, m *member) (router.Guard, error) {
	routes, guard, err := d.routes(ctx)
	if err != nil {
		return router.Guard{}, err
	}
	var decides router.Routes
	for _, r := range routes {
		if r.Primary() == m.name {
			decides = append(decides, r)
		}
	}
	if len(decides) > 0 {
		return router.Guard{}, inUse("%s is the primary of %s", m.name, decides)
	}
	if err := d.untouched(m.name); err != nil {
		return router.Guard{}, err
	}
	return guard, d.notSystem(m.name)
}

func (d *administration) notSystem(name string) error {
	if d.status.line.system().name == name {
		return inUse("%s has larder's own tables", name)
	}
	return nil
}

func (d *administration) changed(ctx context.Context, m *member, l router.Listed) httpapi.BackendChanged {
	return httpapi.BackendChanged{Backend: d.status.tellOf(ctx, m, m.now()), Version: l.Version}
}

func inUse(format string, args ...any) error {
	return &store.Error{Code: store.BackendInUse, Detail: fmt.Sprintf(format, args...)}
}

func ofSettings(name string) error {
	return &store.Error{Code: store.BackendFixed, Detail: name + " is one of the settings, LARDER_BACKENDS, and changes there; its state can be changed here"}
}

func noMember() error {
	return &store.Error{Code: store.NotFound, Field: "name", Detail: "there is no backend of this name; GET /backends lists them"}
}

// holds says whether a precondition is met by what is kept at a version, 0 for nothing.
func holds(only store.Precondition, version int64) error {
	current := store.Entry{Version: version}
	switch {
	case only.Absent && version > 0:
		return &store.Error{Code: store.AlreadyExists, Field: "precondition", Precondition: true, Current: &current, Detail: "it was added already"}
	case version > 0 && len(only.Versions) > 0 && !slices.Contains(only.Versions, version):
		return &store.Error{Code: store.VersionMismatch, Field: "precondition", Precondition: true, Current: &current, Detail: "what is kept of this backend is at another version"}
	case version == 0 && (only.Exists || len(only.Versions) > 0):
		return &store.Error{Code: store.NotFound, Field: "precondition", Precondition: true, Current: &current, Detail: "nothing is kept of this backend"}
	}
	return nil
}

// onlyAt has a change be made only to what it was decided upon, as the caller wanted or at
// the version it is at.
func onlyAt(only store.Precondition, version int64) store.Precondition {
	switch {
	case !only.IsZero():
		return only
	case version > 0:
		return store.IfVersion(version)
	}
	return store.Precondition{Absent: true}
}
