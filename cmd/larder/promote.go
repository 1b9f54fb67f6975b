package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"larder/api"
	"larder/cmd/larder/internal/remote"
)

type promoteCommand struct {
	server
	Name   string `arg:"" help:"The backend, which is a secondary of those that are gone."`
	DryRun bool   `help:"Say what would change, and change nothing."`
	Force  bool   `help:"Although it is not known whether it has all that its primary had."`
}

// Run puts a backend in the place of primaries that are gone, and says what has changed.
func (c *promoteCommand) Run(ctx context.Context, s streams) error {
	larder, err := c.connect()
	if err != nil {
		return err
	}
	var told api.Promotion
	params := &api.PromoteBackendParams{DryRun: &c.DryRun, Force: &c.Force}
	if err := remote.Read(larder.PromoteBackend(ctx, c.Name, params))(&told); err != nil {
		return err
	}
	if !isTerminal(s.out) {
		return writeJSON(s.out, told)
	}
	decides, is := "decides", "is"
	if c.DryRun {
		decides, is = "would decide", "would be"
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s from epoch %d on.\n", told.Name, decides, told.Epoch)
	for _, r := range told.Replaced {
		fmt.Fprintf(&text, "%s %s fenced. What was written there in its last %.1f s may be missing until it is compared.\n", r.Name, is, r.BehindSeconds)
	}
	for _, r := range told.Left {
		fmt.Fprintf(&text, "%s goes on by %s(%s), which is gone as well.\n", r.Pattern, r.Strategy, strings.Join(r.Members, ","))
	}
	_, err = io.WriteString(s.out, text.String())
	return err
}
