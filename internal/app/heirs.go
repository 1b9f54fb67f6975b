package app

import (
	"errors"
	"maps"
	"slices"

	"larder/internal/replica"
	"larder/internal/router"
)

// heirs keep the system tables in every member that may be promoted in the place of the one
// that has them, so that routes, settings and all that is kept there go on with it.
type heirs struct {
	system    string
	following map[string]*replica.Follower // by the heir's name
}

// heirsOf are those members: that have all entries of the system's member for some tables.
func heirsOf(system string, routes router.Routes) map[string]bool {
	all := make(map[string]bool)
	for _, r := range routes {
		if r.Primary() != system || r.Strategy != router.MultiWrite && r.Strategy != router.FastestRead {
			continue
		}
		for _, name := range r.Members[1:] {
			all[name] = true
		}
	}
	return all
}

// inherit has the heirs follow that are so by these routes, and no others.
func (s *strategies) inherit(routes router.Routes) {
	want := heirsOf(s.heirs.system, routes)
	maps.DeleteFunc(s.heirs.following, func(name string, f *replica.Follower) bool {
		if !want[name] {
			_ = f.Close() // never fails
		}
		return !want[name]
	})
	system := s.members.of(s.heirs.system)
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if _, follows := s.heirs.following[name]; follows {
			continue
		}
		s.heirs.following[name] = replica.Follow(replica.Options{
			From: system.store, FromName: "system", To: s.members.of(name).kept,
			System: true, Scope: "the system tables of " + system.name,
			Logger: s.app.log.With().Str("secondary", name).Logger(),
		})
	}
}

// setSystem has other members be heirs, for the system tables are in another one.
func (s *strategies) setSystem(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.heirs.system == name {
		return
	}
	_ = s.disinherit() // never fails
	s.heirs.system = name
	s.inherit(s.routes)
}

// disinherit ends all following.
func (s *strategies) disinherit() error {
	var errs []error
	for _, f := range s.heirs.following {
		errs = append(errs, f.Close())
	}
	clear(s.heirs.following)
	return errors.Join(errs...)
}
