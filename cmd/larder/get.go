package main

import (
	"context"
	"io"

	"larder/cmd/larder/internal/remote"
)

type getCommand struct {
	server
	entry
	Entry bool `help:"The whole entry as JSON: value, version, times, metadata."`
}

// Run writes the value, byte for byte.
func (c *getCommand) Run(ctx context.Context, s streams) error {
	larder, err := c.connect()
	if err != nil {
		return err
	}
	if c.Entry {
		response, err := larder.GetEntry(ctx, c.Table, c.Key, nil)
		return remote.Copy(s.out, response, err)
	}
	response, err := larder.GetKey(ctx, c.Table, c.Key, nil)
	if err := remote.Copy(s.out, response, err); err != nil {
		return err
	}
	if isTerminal(s.out) {
		_, err = io.WriteString(s.out, "\n") // for the prompt's sake
	}
	return err
}
