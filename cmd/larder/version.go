package main

import (
	"fmt"

	"larder/internal/buildinfo"
)

type versionCommand struct {
	JSON bool `help:"As JSON."`
}

// Run says which larder this is.
func (c *versionCommand) Run(s streams) error {
	build := buildinfo.Read()
	if c.JSON {
		return writeJSON(s.out, build)
	}
	_, err := fmt.Fprintln(s.out, build)
	return err
}
