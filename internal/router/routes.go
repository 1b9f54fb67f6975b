package router

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"larder/internal/store"
)

// The strategies there are.
const (
	PrimaryOnly = "primary-only"
	CacheAside  = "cache-aside"
	MultiWrite  = "multi-write"
	FastestRead = "fastest-read"
)

// mostMembers bounds a strategy that takes any number.
const mostMembers = 8

// Route says how the tables of a pattern are stored.
type Route struct {
	Pattern  string   // a table, the beginning of some and then "*", or "*" for all
	Strategy string   // "cache-aside"
	Members  []string // names of backends; the first is the primary, which decides
}

// String is the route as it is configured: "audit_*=primary-only(pg)".
func (r Route) String() string { return r.Pattern + "=" + r.Name() }

// Name is the strategy and its members: "cache-aside(pg,hot)".
func (r Route) Name() string { return r.Strategy + "(" + strings.Join(r.Members, ",") + ")" }

// Primary is the member that decides.
func (r Route) Primary() string {
	if len(r.Members) == 0 {
		return ""
	}
	return r.Members[0]
}

// Routes are all routes. Their order does not matter.
type Routes []Route

// String is all of them as they are configured.
func (rs Routes) String() string {
	texts := make([]string, len(rs))
	for i, r := range rs {
		texts[i] = r.String()
	}
	return strings.Join(texts, "; ")
}

// Wrong is something wrong with routes.
type Wrong struct {
	Index  int    // which route; -1: all of them
	Field  string // "pattern", "strategy" or "members"; "": the route as a whole
	Detail string // what would be right
}

// WrongRoutes is the error for routes that can't be.
type WrongRoutes []Wrong

// Error says all that is wrong.
func (ws WrongRoutes) Error() string {
	texts := make([]string, len(ws))
	for i, w := range ws {
		texts[i] = w.Detail
	}
	return strings.Join(texts, "; ")
}

var routeForm = regexp.MustCompile(`^([^=\s]+)\s*=\s*([a-z-]+)\s*\(([^()]*)\)$`)

// ParseRoutes reads routes as they are configured, with ";" between. It does not look
// at whether there are such members; see Validate. The error is a WrongRoutes.
func ParseRoutes(text string) (Routes, error) {
	var routes Routes
	var wrong WrongRoutes
	for part := range strings.SplitSeq(text, ";") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		found := routeForm.FindStringSubmatch(part)
		if found == nil {
			wrong = append(wrong, Wrong{Index: len(routes), Detail: fmt.Sprintf("%q is not a route, such as *=primary-only(pg) or users=cache-aside(pg,hot)", part)})
			continue
		}
		r := Route{Pattern: found[1], Strategy: found[2]}
		for member := range strings.SplitSeq(found[3], ",") {
			r.Members = append(r.Members, strings.TrimSpace(member))
		}
		routes = append(routes, r)
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	return routes, nil
}

// membersOf says how many members a strategy has.
func membersOf(strategy string) (least, most int, known bool) {
	switch strategy {
	case PrimaryOnly:
		return 1, 1, true
	case CacheAside:
		return 2, 2, true
	case MultiWrite, FastestRead:
		return 2, mostMembers, true
	}
	return 0, 0, false
}

// Validate holds the routes to each other and to the members there are. The error is a
// WrongRoutes.
func (rs Routes) Validate(members []string) error {
	var wrong WrongRoutes
	for i, r := range rs {
		wrong = append(wrong, r.check(i, members)...)
		if slices.ContainsFunc(rs[:i], func(other Route) bool { return other.Pattern == r.Pattern }) {
			wrong = append(wrong, Wrong{i, "pattern", fmt.Sprintf("there are two routes for %q", r.Pattern)})
		}
	}
	if !slices.ContainsFunc(rs, func(r Route) bool { return r.Pattern == "*" }) {
		wrong = append(wrong, Wrong{-1, "", "there is no route for all other tables, such as *=primary-only(" + strings.Join(members[:min(1, len(members))], "") + ")"})
	}
	if len(wrong) > 0 {
		return wrong
	}
	return nil
}

func (r Route) check(i int, members []string) (wrong []Wrong) {
	if err := checkPattern(r.Pattern); err != nil {
		wrong = append(wrong, Wrong{i, "pattern", err.Error()})
	}
	least, most, known := membersOf(r.Strategy)
	if !known {
		wrong = append(wrong, Wrong{i, "strategy", fmt.Sprintf("there is no strategy %q; there are %s", r.Strategy, strings.Join([]string{PrimaryOnly, CacheAside, MultiWrite, FastestRead}, ", "))})
	} else if n := len(r.Members); n < least || n > most {
		wrong = append(wrong, Wrong{i, "members", fmt.Sprintf("%s takes %s, %q has %d", r.Strategy, countOf(least, most), r.String(), n)})
	}
	for n, member := range r.Members {
		switch {
		case !slices.Contains(members, member):
			wrong = append(wrong, Wrong{i, "members", fmt.Sprintf("%q in %s is no backend; there are %s", member, r, strings.Join(members, ", "))})
		case slices.Contains(r.Members[:n], member):
			wrong = append(wrong, Wrong{i, "members", fmt.Sprintf("%q is named twice in %s", member, r)})
		}
	}
	return wrong
}

func countOf(least, most int) string {
	switch {
	case most == 1:
		return "one member"
	case least == most:
		return fmt.Sprintf("%d members, the first of them the primary", least)
	}
	return fmt.Sprintf("%d to %d members, the first of them the primary", least, most)
}

func checkPattern(pattern string) error {
	prefix, isPrefix := strings.CutSuffix(pattern, "*")
	switch {
	case isPrefix && prefix == "":
		return nil
	case store.IsSystem(prefix):
		return fmt.Errorf("the pattern %q is of system tables, which are not routed", pattern)
	case store.ValidateTable(prefix) != nil:
		return fmt.Errorf("%q is no pattern: it is a table's name, the beginning of one and then *, or * alone", pattern)
	}
	return nil
}

// Of is the most specific route for a table, the zero value where there is none.
func (rs Routes) Of(table string) Route {
	var best Route
	for _, r := range rs {
		switch several := strings.HasSuffix(r.Pattern, "*"); {
		case !Matches(r.Pattern, table):
		case !several:
			return r
		case len(r.Pattern) > len(best.Pattern):
			best = r
		}
	}
	return best
}

// Among are the routes by which tables of a pattern have this primary: those for some of
// the tables, and the most specific one for all of them.
func (rs Routes) Among(pattern, primary string) Routes {
	var some Routes
	var whole Route
	for _, r := range rs {
		switch {
		case Matches(pattern, r.Pattern):
			some = append(some, r)
		case Matches(r.Pattern, pattern) && len(r.Pattern) > len(whole.Pattern):
			whole = r
		}
	}
	if !slices.ContainsFunc(some, func(r Route) bool { return r.Pattern == pattern }) {
		some = append(some, whole)
	}
	return slices.DeleteFunc(some, func(r Route) bool { return r.Primary() != primary })
}

// Matches says whether a pattern takes in a table. It takes in another pattern where it
// takes in all tables of that.
func Matches(pattern, table string) bool {
	prefix, several := strings.CutSuffix(pattern, "*")
	if !several {
		return pattern == table
	}
	return strings.HasPrefix(table, prefix)
}

// ValidatePattern says what is wrong with a pattern.
func ValidatePattern(pattern string) error { return checkPattern(pattern) }

// Naming are the routes that have a member.
func (rs Routes) Naming(member string) Routes {
	var naming Routes
	for _, r := range rs {
		if slices.Contains(r.Members, member) {
			naming = append(naming, r)
		}
	}
	return naming
}

// AsWrong gives what is wrong with routes; nil for another error.
func AsWrong(err error) WrongRoutes {
	wrong, _ := errors.AsType[WrongRoutes](err)
	return wrong
}
