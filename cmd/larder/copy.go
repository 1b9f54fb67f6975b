package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"larder/api"
	"larder/cmd/larder/internal/remote"
)

type copyCommand struct {
	server
	From   string `required:"" placeholder:"BACKEND" help:"The backend that is the primary of the tables."`
	To     string `required:"" placeholder:"BACKEND" help:"The backend that gets them."`
	Tables string `default:"*" placeholder:"PATTERN" help:"A table, or the beginning of some and then *; without it all."`
	Switch bool   `help:"Make it their primary in the end."`
	Newer  bool   `help:"Copy tables too that have entries there already: the newer version of each key stays."`
}

// copied is what a copy came to.
type copied struct {
	Compared int64 `json:"compared"`
	Repaired int64 `json:"repaired"`
	Switched bool  `json:"switched"`
}

// text says it to a person.
func (c copied) text(from, to string) string {
	text := fmt.Sprintf("%d keys are in %s as they are in %s.\n", c.Compared, to, from)
	if c.Switched {
		text = fmt.Sprintf("%d keys were moved from %s to %s, which is their primary now.\n", c.Compared, from, to)
	}
	return text
}

// Run copies tables, and waits for it.
func (c *copyCommand) Run(ctx context.Context, s streams) error {
	larder, err := c.connect()
	if err != nil {
		return err
	}
	asked := api.CopyRequest{From: c.From, To: c.To, Tables: c.Tables, Switch: c.Switch, Conflict: api.CopyConflictRefuse}
	if c.Newer {
		asked.Conflict = api.CopyConflictNewer
	}
	var op api.Operation
	if err := remote.Read(larder.CopyTables(ctx, asked))(&op); err != nil {
		return err
	}
	if op, err = await(ctx, larder, s, op); err != nil {
		return err
	}
	if !isTerminal(s.out) {
		return writeJSON(s.out, op.Result)
	}
	var came copied
	if err := json.Unmarshal(op.Result, &came); err != nil {
		return fmt.Errorf("the result of operation %s can't be read: %w", op.ID, err)
	}
	_, err = io.WriteString(s.out, came.text(c.From, c.To))
	return err
}
