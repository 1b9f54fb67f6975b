package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"larder/internal/app"
)

type migrateCommand struct {
	Up     migrateUpCommand     `cmd:"" help:"Bring it to the latest version, as serve does too."`
	Down   migrateDownCommand   `cmd:"" help:"Take it back, and with it what was stored in what goes."`
	Status migrateStatusCommand `cmd:"" help:"Say where it stands."`
}

type migrateUpCommand struct {
	settings
}

// Run makes what is missing. Where others are at it, it waits for them.
func (c *migrateUpCommand) Run(ctx context.Context, s streams) error {
	return withSchema(ctx, c.settings, func(schema *app.Schema) error {
		if err := schema.Up(ctx, s.tellStep(schema.Name())); err != nil {
			return err
		}
		return s.tellVersion(ctx, schema)
	})
}

type migrateDownCommand struct {
	settings
	To  *int `placeholder:"VERSION" help:"The version to take it back to; 0 leaves nothing. One step where it is not given."`
	Yes bool `help:"Don't ask; what is dropped is gone."`
}

// Run takes the schema back, once that is really meant.
func (c *migrateDownCommand) Run(ctx context.Context, s streams) error {
	if !c.Yes && (!isTerminal(s.in) || !isTerminal(s.err)) {
		return usage("this destroys what is stored in what it drops; say --yes if that is meant")
	}
	return withSchema(ctx, c.settings, func(schema *app.Schema) error {
		status, err := schema.Status(ctx)
		if err != nil {
			return err
		}
		target := max(status.Version-1, 0)
		if c.To != nil {
			target = *c.To
		}
		if target < 0 || target > status.Latest {
			return usage("there is no version %d; this larder knows 0 to %d", target, status.Latest)
		}
		if !c.Yes && target < status.Version && status.Version <= status.Latest {
			if err := s.confirm("Schema %q of the primary goes back from version %d to %d, and what is stored in what that drops is gone. Type yes to go on: ", schema.Name(), status.Version, target); err != nil {
				return err
			}
		}
		if err := schema.Down(ctx, target, s.tellStep(schema.Name())); err != nil {
			return err
		}
		return s.tellVersion(ctx, schema)
	})
}

type migrateStatusCommand struct {
	settings
}

// schemaStatus is what a program is told.
type schemaStatus struct {
	Schema     string            `json:"schema"`
	Version    int               `json:"version"`
	Latest     int               `json:"latest"` // that this larder knows
	Migrations []schemaMigration `json:"migrations"`
}

type schemaMigration struct {
	Version int    `json:"version"`
	Name    string `json:"name"`
	Applied bool   `json:"applied"`
}

// Run shows each migration: a table for a person, JSON for a program.
func (c *migrateStatusCommand) Run(ctx context.Context, s streams) error {
	return withSchema(ctx, c.settings, func(schema *app.Schema) error {
		status, err := schema.Status(ctx)
		if err != nil {
			return err
		}
		shown := schemaStatus{Schema: schema.Name(), Version: status.Version, Latest: status.Latest}
		for _, m := range status.Migrations {
			shown.Migrations = append(shown.Migrations, schemaMigration{m.Version, m.Name, m.Applied})
		}
		if !isTerminal(s.out) {
			return writeJSON(s.out, shown)
		}
		table := newTable(s.out)
		fmt.Fprintln(table, "VERSION\tMIGRATION\tAPPLIED")
		for _, m := range shown.Migrations {
			applied := "no"
			if m.Applied {
				applied = "yes"
			}
			fmt.Fprintf(table, "%d\t%s\t%s\n", m.Version, m.Name, applied)
		}
		return errors.Join(table.Flush(), s.tellVersion(ctx, schema))
	})
}

// withSchema gives the schema of the configured primary.
func withSchema(ctx context.Context, from settings, use func(*app.Schema) error) error {
	cfg, err := from.load()
	if err != nil {
		return err
	}
	return app.WithSchema(ctx, cfg, use)
}

// schemaStep is what a program is told of a migration that was run.
type schemaStep struct {
	Schema    string `json:"schema"`
	Migration string `json:"migration"`
	Direction string `json:"direction"`
	Version   int    `json:"version"` // afterwards
}

// tellStep writes a line for each migration.
func (s streams) tellStep(schema string) func(app.SchemaStep) {
	return func(step app.SchemaStep) {
		direction := "up"
		if step.Down {
			direction = "down"
		}
		if isTerminal(s.out) {
			fmt.Fprintf(s.out, "%s %s\n", step.Name, direction)
			return
		}
		_ = writeJSON(s.out, schemaStep{schema, step.Name, direction, step.Version}) // what was done is done, whoever is told
	}
}

// tellVersion says to a person where a schema stands.
func (s streams) tellVersion(ctx context.Context, schema *app.Schema) error {
	status, err := schema.Status(ctx)
	if err != nil {
		return err
	}
	switch {
	case status.Version == status.Latest:
		s.note("Schema %q of the primary is at version %d, the latest.", schema.Name(), status.Version)
	case status.Version < status.Latest:
		s.note("Schema %q of the primary is at version %d of %d.", schema.Name(), status.Version, status.Latest)
	default:
		s.note("Schema %q of the primary is at version %d, which is newer than this larder: it knows versions up to %d.", schema.Name(), status.Version, status.Latest)
	}
	return nil
}

// confirm asks, and fails unless the answer is yes.
func (s streams) confirm(format string, args ...any) error {
	fmt.Fprintf(s.err, format, args...)
	answer, err := bufio.NewReader(s.in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(answer) != "yes" {
		return errors.New("nothing was changed")
	}
	return nil
}
