package main

import (
	"context"

	"larder/internal/app"
)

type serveCommand struct {
	settings
}

// Run serves until it is told to stop.
func (c *serveCommand) Run(ctx context.Context, s streams) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	gateway, err := app.New(cfg, app.Options{LogTo: s.err})
	if err != nil {
		return err
	}
	return gateway.Run(ctx)
}
