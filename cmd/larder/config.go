package main

import (
	"fmt"
)

type configCommand struct {
	settings
	JSON bool `help:"As JSON, on a terminal too."`
}

// Run shows the settings, secrets hidden: a table for a person, JSON for a
// program.
func (c *configCommand) Run(s streams) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	if c.JSON || !isTerminal(s.out) {
		return writeJSON(s.out, cfg.Settings())
	}
	table := newTable(s.out)
	fmt.Fprintln(table, "SETTING\tVALUE\tFROM")
	for _, setting := range cfg.Settings() {
		fmt.Fprintf(table, "%s\t%s\t%s\n", setting.Name, setting.Value, setting.Origin)
	}
	return table.Flush()
}
