package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"larder/api"
	"larder/cmd/larder/internal/remote"
)

type backendsCommand struct {
	List    backendsListCommand    `cmd:"" default:"withargs" help:"Show all of them, or one."`
	Put     backendsPutCommand     `cmd:"" help:"Add one, or give one that was added another URL."`
	Drain   backendsDrainCommand   `cmd:"" help:"Have reads go to others, and keep one up to date."`
	Disable backendsDisableCommand `cmd:"" help:"Call one no more, until it is enabled."`
	Enable  backendsEnableCommand  `cmd:"" help:"Use one again that is drained or disabled."`
	Remove  backendsRemoveCommand  `cmd:"" help:"Remove one that was added."`
}

type backendsListCommand struct {
	server
	Name string `arg:"" optional:"" help:"The backend; all where none is named."`
}

// backendTold is a backend with what the health and the routes say of it.
type backendTold struct {
	api.Backend
	Reason string        `json:"reason,omitempty"`
	Since  *time.Time    `json:"since,omitempty"` // of its state, as the larder that is asked saw it
	Routes []backendRole `json:"routes"`
}

// backendRole is what a backend is in a route.
type backendRole struct {
	Pattern  string `json:"pattern"`
	Strategy string `json:"strategy"`
	Role     string `json:"role"`
}

// Run shows backends: a table for a person, all there is to say of one, and JSON lines for a
// program.
func (c *backendsListCommand) Run(ctx context.Context, s streams) error {
	larder, err := c.connect()
	if err != nil {
		return err
	}
	told, err := c.told(ctx, larder)
	if err != nil {
		return err
	}
	switch {
	case !isTerminal(s.out):
		for _, b := range told {
			if err := writeJSON(s.out, b); err != nil {
				return err
			}
		}
		return nil
	case c.Name != "":
		return told[0].show(s.out)
	}
	return showBackends(s.out, told)
}

// Validate refuses what would make another path of the URL.
func (c *backendsListCommand) Validate() error {
	if c.Name == "" {
		return nil
	}
	return validateBackend(c.Name)
}

// told are the backends that are asked for.
func (c *backendsListCommand) told(ctx context.Context, larder *api.Client) ([]backendTold, error) {
	var list api.BackendList
	if c.Name == "" {
		if err := remote.Read(larder.ListBackends(ctx))(&list); err != nil {
			return nil, err
		}
	} else {
		list.Items = make([]api.Backend, 1)
		if err := remote.Read(larder.GetBackend(ctx, c.Name))(&list.Items[0]); err != nil {
			return nil, err
		}
	}
	var health api.Health
	if err := remote.Read(larder.GetHealth(ctx))(&health); err != nil {
		return nil, err
	}
	routes, _, err := routesOf(ctx, larder)
	if err != nil {
		return nil, err
	}
	all := make([]backendTold, len(list.Items))
	for i, b := range list.Items {
		all[i] = backendTold{Backend: b, Routes: rolesIn(routes, b.Name)}
		for _, h := range health.Backends {
			if h.Name == b.Name {
				all[i].Reason, all[i].Since = h.Reason, &h.Since
			}
		}
	}
	return all, nil
}

// rolesIn is what a backend is in routes.
func rolesIn(routes []api.Route, name string) []backendRole {
	roles := []backendRole{}
	for _, r := range routes {
		place := slices.Index(r.Members, name)
		if place < 0 {
			continue
		}
		role := "primary"
		switch {
		case place > 0 && r.Strategy == "cache-aside":
			role = "cache"
		case place > 0:
			role = "secondary"
		}
		roles = append(roles, backendRole{Pattern: r.Pattern, Strategy: r.Strategy, Role: role})
	}
	return roles
}

func showBackends(w io.Writer, all []backendTold) error {
	table := newTable(w)
	fmt.Fprintln(table, "NAME\tENGINE\tSTATE\tSINCE\tBREAKER\tBEHIND\tIN ROUTES\tREASON")
	for _, b := range all {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", b.Name, b.Engine, b.State, b.since(), b.breaker(), b.behind(), b.roles(), cmp.Or(b.Reason, none))
	}
	return table.Flush()
}

// show writes all there is to say of one to a person.
func (b backendTold) show(w io.Writer) error {
	table := newTable(w)
	state := string(b.State)
	if b.Reason != "" {
		state += ": " + b.Reason
	}
	lines := [][2]string{
		{"name", b.Name},
		{"engine", b.Engine},
		{"url", b.URL},
		{"state", state},
		{"since", b.since()},
		{"breaker", b.breaker()},
		{"in routes", b.roles()},
		{"behind", b.behind()},
		{"durability", b.Durability},
		{"answers in", fmt.Sprintf("%g ms", b.LatencyMs)},
		{"can", strings.Join(b.Capabilities, ", ")},
	}
	for _, name := range slices.Sorted(maps.Keys(b.Details)) {
		if name != "breaker" {
			lines = append(lines, [2]string{strings.ReplaceAll(name, "_", " "), b.Details[name]})
		}
	}
	for _, line := range lines {
		if line[1] != "" && line[1] != none {
			fmt.Fprintf(table, "%s\t%s\n", line[0], line[1])
		}
	}
	return table.Flush()
}

// none stands where a backend has nothing of a kind.
const none = "-"

func (b backendTold) since() string {
	if b.Since == nil {
		return none
	}
	return localTime(*b.Since)
}

func (b backendTold) breaker() string {
	if state := b.Details["breaker"]; state != "" {
		return state
	}
	return none
}

// roles are those by route, or what the backend is where no route names it.
func (b backendTold) roles() string {
	if len(b.Routes) == 0 {
		return b.Role
	}
	texts := make([]string, len(b.Routes))
	for i, r := range b.Routes {
		texts[i] = r.Role + " of " + r.Pattern
	}
	return strings.Join(texts, ", ")
}

// behind is by how much a secondary is.
func (b backendTold) behind() string {
	var texts []string
	if b.LagSeconds != nil {
		texts = append(texts, fmt.Sprintf("%.1f s", *b.LagSeconds))
	} else if slices.ContainsFunc(b.Routes, func(r backendRole) bool { return r.Role == "secondary" }) {
		texts = append(texts, "being filled")
	}
	if b.Backlog != nil {
		text := strconv.FormatInt(*b.Backlog, 10) + " entries"
		if b.BacklogMore {
			text = "at least " + text
		}
		texts = append(texts, text)
	}
	if len(texts) == 0 {
		return none
	}
	return strings.Join(texts, ", ")
}

func validateBackend(name string) error {
	if name == "" || name == "." || name == ".." {
		return usage("%q can't be a backend", name)
	}
	return nil
}
