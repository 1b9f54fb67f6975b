package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"larder/api"
	"larder/cmd/larder/internal/remote"
)

type compareCommand struct {
	server
	Name   string `arg:"" help:"The backend, whose place another one has taken."`
	DryRun bool   `help:"Say what would change, and change nothing."`
}

// compared is what a comparison came to.
type compared struct {
	With          string   `json:"with"`
	Recovered     int64    `json:"recovered"`
	RecoveredKeys []keyRef `json:"recovered_keys"`
	Overruled     int64    `json:"overruled"`
	OverruledKeys []keyRef `json:"overruled_keys"`
	Compared      int64    `json:"compared"`
	Lifted        bool     `json:"lifted"`
}

type keyRef struct {
	Table string `json:"table"`
	Key   string `json:"key"`
}

// Run compares a backend that is fenced with the one that took its place, and waits for it.
func (c *compareCommand) Run(ctx context.Context, s streams) error {
	larder, err := c.connect()
	if err != nil {
		return err
	}
	var op api.Operation
	if err := remote.Read(larder.CompareBackend(ctx, c.Name, &api.CompareBackendParams{DryRun: &c.DryRun}))(&op); err != nil {
		return err
	}
	if op, err = await(ctx, larder, s, op); err != nil {
		return err
	}
	if !isTerminal(s.out) {
		return writeJSON(s.out, op.Result)
	}
	var came compared
	if err := json.Unmarshal(op.Result, &came); err != nil {
		return fmt.Errorf("the result of operation %s can't be read: %w", op.ID, err)
	}
	_, err = io.WriteString(s.out, came.text(c.Name, c.DryRun))
	return err
}

// text says it to a person.
func (c compared) text(name string, dryRun bool) string {
	had, counts := "were", "counts"
	if dryRun {
		had, counts = "would be", "would count"
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%d keys that only %s had %s written to %s%s.\n", c.Recovered, name, had, c.With, listed(c.RecoveredKeys, c.Recovered))
	fmt.Fprintf(&text, "%d keys were written in both, and what %s has %s%s.\n", c.Overruled, c.With, counts, listed(c.OverruledKeys, c.Overruled))
	if c.Lifted {
		fmt.Fprintf(&text, "%s is no longer fenced.\n", name)
	}
	return text.String()
}

// listed names some keys.
func listed(keys []keyRef, all int64) string {
	const most = 10
	if len(keys) == 0 {
		return ""
	}
	texts := make([]string, 0, most)
	for _, k := range keys[:min(most, len(keys))] {
		texts = append(texts, k.Table+"/"+k.Key)
	}
	text := ": " + strings.Join(texts, ", ")
	if more := all - int64(len(texts)); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
