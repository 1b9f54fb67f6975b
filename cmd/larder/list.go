package main

import (
	"context"

	"larder/api"
	"larder/cmd/larder/internal/remote"
)

type listCommand struct {
	server
	Table   string `arg:"" help:"The table."`
	Prefix  string `help:"Only keys that begin so."`
	Start   string `help:"The first key, itself included."`
	End     string `help:"The first key that no longer belongs to the list."`
	Reverse bool   `help:"From the last key to the first."`
	Values  bool   `help:"With the values."`
	window
}

// Run lists entries by key: a table for a person, JSON lines for a program.
func (c *listCommand) Run(ctx context.Context, s streams) error {
	larder, err := c.connect()
	if err != nil {
		return err
	}
	params := &api.ListKeysParams{
		Prefix: remote.Optional(c.Prefix), Start: remote.Optional(c.Start), End: remote.Optional(c.End),
		Reverse: remote.Optional(c.Reverse), KeysOnly: remote.Optional(!c.Values), Limit: new(c.pageLimit()),
	}
	return c.show(s, c.Values, func(cursor string) ([]api.Entry, string, error) {
		params.Cursor = remote.Optional(cursor)
		var page api.EntryPage
		err := remote.Read(larder.ListKeys(ctx, c.Table, params))(&page)
		return page.Items, page.NextCursor, err
	})
}

// Validate refuses what can't be asked.
func (c *listCommand) Validate() error {
	if err := validateTable(c.Table); err != nil {
		return err
	}
	return c.window.Validate()
}
