package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"larder/api"
	"larder/cmd/larder/internal/remote"
	"larder/internal/config"
)

type routesCommand struct {
	List routesListCommand `cmd:"" default:"1" help:"Show them."`
	Set  routesSetCommand  `cmd:"" help:"Change the routes of some tables, and leave the others."`
	Put  routesPutCommand  `cmd:"" help:"Replace all of them."`
}

type routesListCommand struct {
	server
}

// Run shows the routes that count: a table for a person, and for a program what put takes.
func (c *routesListCommand) Run(ctx context.Context, s streams) error {
	larder, err := c.connect()
	if err != nil {
		return err
	}
	routes, version, err := routesOf(ctx, larder)
	if err != nil {
		return err
	}
	if !isTerminal(s.out) {
		return writeJSON(s.out, api.RouteTable{Routes: routes})
	}
	if err := showRoutes(s.out, routes); err != nil {
		return err
	}
	if version == 0 {
		s.note("They are those of the settings.")
	} else {
		s.note("They are at version %d.", version)
	}
	return nil
}

// routesOf are the routes that count, and the version of those that were put; 0: none were.
func routesOf(ctx context.Context, larder *api.Client) ([]api.Route, int64, error) {
	var table api.RouteTable
	response, err := larder.GetRoutes(ctx)
	if err := remote.Read(response, err)(&table); err != nil {
		return nil, 0, err
	}
	version, err := versionIn(response.Header.Get("ETag"))
	return table.Routes, version, err
}

// versionIn is the version in an entity tag; 0 where there is none.
func versionIn(tag string) (int64, error) {
	if tag == "" {
		return 0, nil
	}
	version, err := strconv.ParseInt(strings.Trim(tag, `"`), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the answer is not what a larder gives: its ETag is %s", tag)
	}
	return version, nil
}

func showRoutes(w io.Writer, routes []api.Route) error {
	table := newTable(w)
	fmt.Fprintln(table, "TABLES\tSTRATEGY\tBACKENDS")
	for _, r := range routes {
		fmt.Fprintf(table, "%s\t%s\t%s\n", r.Pattern, r.Strategy, strings.Join(r.Members, ", "))
	}
	return table.Flush()
}

// routesChange says how routes are changed.
type routesChange struct {
	DryRun     bool `help:"Say which tables would move, and change nothing."`
	AllowMoves bool `help:"Also where tables get another primary, and leave their entries behind."`
}

// put replaces the routes, where they are at a version, and tells what has changed.
func (c routesChange) put(ctx context.Context, larder *api.Client, s streams, routes []api.Route, params api.PutRoutesParams) error {
	params.DryRun = remote.Optional(c.DryRun)
	if c.AllowMoves {
		params.Moves = new(api.PutRoutesParamsMovesAllowed)
	}
	var changed api.RoutesChanged
	response, err := larder.PutRoutes(ctx, &params, api.RouteTable{Routes: routes})
	if err := remote.Read(response, err)(&changed); err != nil {
		return err
	}
	if !isTerminal(s.out) {
		return writeJSON(s.out, changed)
	}
	if err := showRoutes(s.out, changed.Routes); err != nil {
		return err
	}
	moves, are := "moves", "These are the routes, at version "+strings.Trim(response.Header.Get("ETag"), `"`)+"."
	if c.DryRun {
		moves, are = "would move", "These would be the routes. Nothing has changed."
	}
	for _, m := range changed.Moves {
		if _, err := fmt.Fprintf(s.out, "%s %s from %s to %s, without its entries.\n", m.Table, moves, m.From, m.To); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintln(s.out, are)
	return err
}

type routesPutCommand struct {
	server
	routesChange
	File      string `arg:"" optional:"" default:"-" help:"A file with them as JSON, as list writes them into a pipe, or - for standard input (default)."`
	IfVersion int64  `placeholder:"N" help:"Only where those that were put last are at this version."`
}

// Run replaces the routes with those of a file.
func (c *routesPutCommand) Run(ctx context.Context, s streams) error {
	data, err := c.read(s.in)
	if err != nil {
		return err
	}
	var table api.RouteTable
	if err := json.Unmarshal(data, &table); err != nil || len(table.Routes) == 0 {
		return usage(`%s has no routes, such as {"routes": [{"pattern": "*", "strategy": "primary-only", "members": ["pg"]}]}`, c.File)
	}
	larder, err := c.connect()
	if err != nil {
		return err
	}
	var params api.PutRoutesParams
	if c.IfVersion != 0 {
		params.IfMatch = new(etag(c.IfVersion))
	}
	return c.put(ctx, larder, s, table.Routes, params)
}

func (c *routesPutCommand) read(in io.Reader) ([]byte, error) {
	if c.File == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(c.File)
}

type routesSetCommand struct {
	server
	routesChange
	Routes []string `arg:"" help:"As LARDER_ROUTES has them: 'users=cache-aside(pg,hot)'."`
}

// Run changes the routes of the patterns that are named, unless others change routes
// meanwhile.
func (c *routesSetCommand) Run(ctx context.Context, s streams) error {
	wanted, err := config.ParseRoutes(strings.Join(c.Routes, ";"))
	if err != nil {
		return usageError{err.Error()}
	}
	larder, err := c.connect()
	if err != nil {
		return err
	}
	routes, version, err := routesOf(ctx, larder)
	if err != nil {
		return err
	}
	params := api.PutRoutesParams{IfNoneMatch: new("*")}
	if version > 0 {
		params = api.PutRoutesParams{IfMatch: new(etag(version))}
	}
	for _, w := range wanted {
		r := api.Route{Pattern: w.Pattern, Strategy: w.Strategy, Members: w.Members}
		if i := slices.IndexFunc(routes, func(old api.Route) bool { return old.Pattern == r.Pattern }); i >= 0 {
			routes[i] = r
		} else {
			routes = append(routes, r)
		}
	}
	return c.put(ctx, larder, s, routes, params)
}
