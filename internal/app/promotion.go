package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"larder/api"
	"larder/internal/httpapi"
	"larder/internal/lineage"
	"larder/internal/operation"
	"larder/internal/replica"
	"larder/internal/router"
	"larder/internal/store"
)

// promoting puts a member in the place of primaries that are gone.
type promoting struct {
	members    *registry
	line       *successions
	strategies *strategies
	book       *router.Book
	runner     *operation.Runner
}

var _ httpapi.Promoting = promoting{}

// succession is what a promotion would come to.
type succession struct {
	name     string
	routes   router.Routes // that the member decides on from then on, as they are now
	replaced []api.Replaced
	left     router.Routes // whose primaries are gone too, and it is none of their secondaries
}

// Promote implements [httpapi.Promoting].
func (p promoting) Promote(ctx context.Context, name string, c httpapi.PromotionChange) (api.Promotion, error) {
	m := p.members.of(name)
	if m == nil {
		return api.Promotion{}, &store.Error{Code: store.NotFound, Detail: "there is no backend of this name; GET /backends lists them"}
	}
	if m.mode() != active {
		return api.Promotion{}, inUse("%s is %s; nobody is put in another's place before it is active", name, m.mode())
	}
	routes, _ := p.book.Routes()
	s, err := p.succession(name, routes, c.Force)
	if err != nil {
		return api.Promotion{}, err
	}
	claim := p.line.keeper.Claim()
	system := p.line.system().name
	told := api.Promotion{
		Name: name, Epoch: claim.Epoch + 1, System: system, Replaced: s.replaced, Routes: forms(s.after(routes)), Left: forms(s.left),
	}
	if s.replaces(system) {
		told.System = name
	}
	if c.DryRun {
		return told, nil
	}
	if claim, err = p.claim(ctx, m, s, system); err != nil {
		return api.Promotion{}, err
	}
	told.Epoch, told.System = claim.Epoch, claim.System
	if routes, err = p.putRoutes(ctx, s); err != nil {
		return api.Promotion{}, err
	}
	told.Routes = forms(routes)
	return told, nil
}

// succession finds out what routes a member could decide on in place of those that are
// gone. Force does not ask whether it has all that they had.
func (p promoting) succession(name string, routes router.Routes, force bool) (succession, error) {
	s := succession{name: name}
	var serving []string
	for _, r := range routes {
		primary := r.Primary()
		gone := primary != name && !serves(p.members.of(primary).watch.Now())
		switch secondary := hasSecondary(r, name); {
		case !secondary && gone:
			s.left = append(s.left, r)
		case !secondary:
		case !gone:
			serving = append(serving, primary)
		default:
			behind, err := p.behind(r, name, force)
			if err != nil {
				return succession{}, err
			}
			s.routes = append(s.routes, r)
			s.replace(primary, behind)
		}
	}
	if len(s.routes) > 0 {
		return s, nil
	}
	if len(serving) > 0 {
		return succession{}, &store.Error{
			Code:   store.PrimaryServes,
			Detail: fmt.Sprintf("%s serves, and nobody is put in its place while it does; PUT /routes changes the primary of tables", strings.Join(slices.Compact(serving), ", ")),
		}
	}
	return succession{}, &store.Error{
		Code: store.InvalidRoutes, Detail: fmt.Sprintf("%s is the secondary of no route by %s or %s, and so has nobody's entries", name, router.MultiWrite, router.FastestRead),
	}
}

func hasSecondary(r router.Route, name string) bool {
	return (r.Strategy == router.MultiWrite || r.Strategy == router.FastestRead) && slices.Contains(r.Members[1:], name)
}

// behind is for how long a secondary may have missed what its primary had.
func (p promoting) behind(r router.Route, name string, force bool) (time.Duration, error) {
	lag, known := p.strategies.lag(r, name)
	if !known && !force {
		return 0, &store.Error{
			Code:   store.NotCaughtUp,
			Detail: fmt.Sprintf("whether %s has all that %s had by %s is not known; force=true promotes it as it is", name, r.Primary(), r),
		}
	}
	return lag, nil
}

// replace takes note of a primary that is gone.
func (s *succession) replace(primary string, behind time.Duration) {
	i := slices.IndexFunc(s.replaced, func(r api.Replaced) bool { return r.Name == primary })
	if i < 0 {
		s.replaced = append(s.replaced, api.Replaced{Name: primary})
		i = len(s.replaced) - 1
	}
	s.replaced[i].BehindSeconds = max(s.replaced[i].BehindSeconds, behind.Seconds())
}

func (s *succession) replaces(name string) bool {
	return slices.ContainsFunc(s.replaced, func(r api.Replaced) bool { return r.Name == name })
}

// after are the routes after the promotion: the member decides, and the one before it is
// its last secondary.
func (s *succession) after(routes router.Routes) router.Routes {
	next := slices.Clone(routes)
	for i, r := range next {
		if !hasSecondary(r, s.name) || !s.replaces(r.Primary()) {
			continue
		}
		others := slices.DeleteFunc(slices.Clone(r.Members[1:]), func(m string) bool { return m == s.name })
		next[i].Members = slices.Concat([]string{s.name}, others, []string{r.Primary()})
	}
	return next
}

// claim keeps for good who is promoted, with how far that had come in the feeds of those
// whose place it takes.
func (p promoting) claim(ctx context.Context, m *member, s succession, system string) (lineage.Claim, error) {
	promotion := lineage.Promotion{Name: m.name, System: system, Places: map[string][]store.Cursor{}}
	for _, r := range s.replaced {
		promotion.Replaces = append(promotion.Replaces, r.Name)
	}
	for _, r := range s.routes {
		place, err := replica.PlaceOf(ctx, m.past, r.Name())
		if err != nil {
			return lineage.Claim{}, err
		}
		if places := promotion.Places[r.Primary()]; !slices.Contains(places, place) {
			promotion.Places[r.Primary()] = append(places, place)
		}
	}
	return p.line.keeper.Promote(ctx, promotion)
}

// putRoutes has all instances go by it.
func (p promoting) putRoutes(ctx context.Context, s succession) (router.Routes, error) {
	for {
		// The system tables may be in another member now, which may have missed the last
		// change of routes.
		if err := p.book.Renew(ctx); err != nil {
			return nil, err
		}
		routes, version := p.book.Routes()
		next, only := s.after(routes), store.Precondition{Absent: true}
		if version > 0 {
			only = store.IfVersion(version)
		}
		_, err := p.book.Replace(ctx, next, only)
		if err == nil || !errors.Is(err, store.VersionMismatch) && !errors.Is(err, store.AlreadyExists) {
			return next, err
		}
	}
}

// lag is how old what a secondary has of a route may be.
func (s *strategies) lag(r router.Route, secondary string) (time.Duration, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, follows := s.built[r.Name()].replicas[secondary]
	if !follows {
		return 0, false
	}
	return f.Lag()
}

func forms(routes router.Routes) []api.Route {
	all := make([]api.Route, len(routes))
	for i, r := range routes {
		all[i] = api.Route{Pattern: r.Pattern, Strategy: r.Strategy, Members: r.Members}
	}
	return all
}
