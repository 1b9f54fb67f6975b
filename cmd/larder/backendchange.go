package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"larder/api"
	"larder/cmd/larder/internal/remote"
)

// backendChange says which backend is changed, and how.
type backendChange struct {
	server
	Name      string `arg:"" help:"The backend."`
	DryRun    bool   `help:"Say whether it could be done, and change nothing."`
	IfVersion int64  `placeholder:"N" help:"Only where what is kept of the backend is at this version."`
}

// Validate refuses what would make another path of the URL.
func (c *backendChange) Validate() error { return validateBackend(c.Name) }

// only is the version as a condition; nil: none.
func (c *backendChange) only() *string {
	if c.IfVersion == 0 {
		return nil
	}
	return new(etag(c.IfVersion))
}

// tell says what the backend is after a change, or would be.
func (c *backendChange) tell(s streams, response *http.Response, err error) error {
	var b api.Backend
	if err := remote.Read(response, err)(&b); err != nil {
		return err
	}
	if !isTerminal(s.out) {
		return writeJSON(s.out, b)
	}
	if c.DryRun {
		_, err = fmt.Fprintf(s.out, "%s would be %s. Nothing has changed.\n", b.Name, b.State)
		return err
	}
	version, err := versionIn(response.Header.Get("ETag"))
	if err != nil {
		return err
	}
	at := ""
	if version > 0 {
		at = fmt.Sprintf(", at version %d", version)
	}
	_, err = fmt.Fprintf(s.out, "%s is %s%s.\n", b.Name, b.State, at)
	return err
}

// maxURL bounds what is read as a URL.
const maxURL = 64 << 10

type backendsPutCommand struct {
	backendChange
	URL      string `arg:"" optional:"" default:"-" help:"Where it is, as in LARDER_BACKENDS, or - for standard input (default), which others on this machine can't see."`
	IfAbsent bool   `help:"Only where none of this name was added."`
}

// Run adds the backend, in all instances.
func (c *backendsPutCommand) Run(ctx context.Context, s streams) error {
	url := c.URL
	if url == "-" {
		text, err := io.ReadAll(io.LimitReader(s.in, maxURL))
		if err != nil {
			return err
		}
		url = strings.TrimSpace(string(text))
	}
	larder, err := c.connect()
	if err != nil {
		return err
	}
	params := &api.PutBackendParams{DryRun: remote.Optional(c.DryRun), IfMatch: c.only()}
	if c.IfAbsent {
		params.IfNoneMatch = new("*")
	}
	response, err := larder.PutBackend(ctx, c.Name, params, api.BackendWrite{URL: url})
	return c.tell(s, response, err)
}

// Validate refuses two conditions of which one can't hold.
func (c *backendsPutCommand) Validate() error {
	if c.IfAbsent && c.IfVersion != 0 {
		return usage("--if-absent and --if-version can't both hold")
	}
	return c.backendChange.Validate()
}

// use has all instances use the backend so from now on.
func (c *backendChange) use(ctx context.Context, s streams, use api.BackendUse) error {
	larder, err := c.connect()
	if err != nil {
		return err
	}
	params := &api.PatchBackendParams{DryRun: remote.Optional(c.DryRun), IfMatch: c.only()}
	response, err := larder.PatchBackend(ctx, c.Name, params, api.BackendPatch{State: use})
	return c.tell(s, response, err)
}

type backendsDrainCommand struct{ backendChange }

// Run has reads go to others.
func (c *backendsDrainCommand) Run(ctx context.Context, s streams) error {
	return c.use(ctx, s, api.BackendUseDraining)
}

type backendsDisableCommand struct{ backendChange }

// Run has it be called no more.
func (c *backendsDisableCommand) Run(ctx context.Context, s streams) error {
	return c.use(ctx, s, api.BackendUseDisabled)
}

type backendsEnableCommand struct{ backendChange }

// Run has it be used for all that routes say.
func (c *backendsEnableCommand) Run(ctx context.Context, s streams) error {
	return c.use(ctx, s, api.BackendUseActive)
}

type backendsRemoveCommand struct{ backendChange }

// Run removes it, from all instances. Nothing is said to a program, as there is nothing left.
func (c *backendsRemoveCommand) Run(ctx context.Context, s streams) error {
	larder, err := c.connect()
	if err != nil {
		return err
	}
	params := &api.DeleteBackendParams{DryRun: remote.Optional(c.DryRun), IfMatch: c.only()}
	if err := remote.Read(larder.DeleteBackend(ctx, c.Name, params))(nil); err != nil || !isTerminal(s.out) {
		return err
	}
	done := "is removed."
	if c.DryRun {
		done = "could be removed. Nothing has changed."
	}
	_, err = fmt.Fprintf(s.out, "%s %s\n", c.Name, done)
	return err
}
