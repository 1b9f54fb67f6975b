package app

import (
	"slices"
	"strings"

	"larder/internal/replica"
	"larder/internal/router"
	"larder/internal/store"
)

// pair is a primary with one of its secondaries, by a strategy.
type pair struct {
	strategy           string
	primary, secondary *member
	follower           *replica.Follower
	routes             router.Routes // at that time
}

// of says whether a table goes by the pair's strategy.
func (p pair) of(table string) bool { return p.routes.Of(table).Name() == p.strategy }

func (p pair) key() string { return p.strategy + " " + p.secondary.name }

// pairs are all there are, by strategy and secondary.
func (s *strategies) pairs() []pair {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []pair
	seen := make(map[string]bool)
	for _, r := range s.routes {
		if seen[r.Name()] {
			continue
		}
		seen[r.Name()] = true
		for name, f := range s.built[r.Name()].replicas {
			all = append(all, pair{r.Name(), s.members.of(r.Primary()), s.members.of(name), f, s.routes})
		}
	}
	slices.SortFunc(all, func(a, b pair) int { return strings.Compare(a.key(), b.key()) })
	return all
}

// selection names pairs. What is empty names all.
type selection struct {
	Strategy  string `json:"strategy,omitempty"`
	Primary   string `json:"primary,omitempty"`
	Secondary string `json:"secondary,omitempty"`
}

// from takes what is named. Where there is nothing, the error says what there is.
func (sel selection) from(all []pair) ([]pair, error) {
	for _, part := range []struct {
		field, wanted string
		of            func(pair) string
	}{
		{"strategy", sel.Strategy, func(p pair) string { return p.strategy }},
		{"primary", sel.Primary, func(p pair) string { return p.primary.name }},
		{"secondary", sel.Secondary, func(p pair) string { return p.secondary.name }},
	} {
		if part.wanted == "" {
			continue
		}
		var names []string
		for _, p := range all {
			names = append(names, part.of(p))
		}
		all = slices.DeleteFunc(slices.Clone(all), func(p pair) bool { return part.of(p) != part.wanted })
		if len(all) == 0 {
			slices.Sort(names)
			return nil, &store.Error{
				Code: store.InvalidOperation, Field: part.field,
				Detail: "no secondary is kept up by this " + part.field + there(slices.Compact(names)),
			}
		}
	}
	if len(all) == 0 {
		return nil, &store.Error{Code: store.Unsupported, Detail: "no route has a strategy with secondaries"}
	}
	return all, nil
}

func there(names []string) string {
	if len(names) == 0 {
		return "; no route has a strategy with secondaries"
	}
	return "; it can be " + strings.Join(names, ", ")
}
