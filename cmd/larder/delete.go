package main

import (
	"context"
	"strconv"

	"larder/api"
	"larder/cmd/larder/internal/remote"
)

type deleteCommand struct {
	server
	entry
	IfVersion int64 `placeholder:"N" help:"Only where the entry is at this version."`
}

// Run deletes; that there was nothing is no error.
func (c *deleteCommand) Run(ctx context.Context) error {
	larder, err := c.connect()
	if err != nil {
		return err
	}
	params := &api.DeleteKeyParams{}
	if c.IfVersion != 0 {
		params.IfMatch = new(etag(c.IfVersion))
	}
	return remote.Read(larder.DeleteKey(ctx, c.Table, c.Key, params))(nil)
}

// etag is a version as an entity tag.
func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }
