package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"larder/cmd/larder/internal/transfer"
)

type exportCommand struct {
	server
	Tables     []string `arg:"" optional:"" help:"The tables; without any all."`
	Since      []string `placeholder:"TABLE=CURSOR|FILE" sep:"none" help:"Only what changed after the cursor that an earlier export told, deletions too. May be repeated, one for each table; or the file that --cursor-file wrote."`
	CursorFile string   `placeholder:"FILE" help:"Write the cursors here at the end, for --since."`
	Output     string   `short:"o" placeholder:"FILE" help:"Write the lines here, not to standard output."`
	Append     bool     `help:"Add to the output file."`
}

// Run exports, and tells on standard error how far it came.
func (c *exportCommand) Run(ctx context.Context, s streams) error {
	since, err := c.cursors()
	if err != nil {
		return err
	}
	larder, err := c.connect()
	if err != nil {
		return err
	}
	export := transfer.Export{Client: larder, Tables: c.Tables, Since: since}
	bar, err := c.bar(ctx, s, export)
	if err != nil {
		return err
	}
	export.Progress = bar.add

	out, err := c.open(s.out)
	if err != nil {
		return err
	}
	done, err := export.Run(ctx, out)
	bar.finish()
	if err := errors.Join(err, out.Close()); err != nil {
		return c.stopped(s, done, err)
	}
	if err := c.keepCursors(done.Cursors); err != nil {
		return err
	}
	if !isTerminal(s.err) {
		return writeJSON(s.err, done)
	}
	s.note("%d entries and %d deletions of %d tables exported. Later changes: larder export%s", done.Entries, done.Deletions, done.Tables, c.again(done))
	return nil
}

// stopped says how to go on. What was written up to the cursors is whole.
func (c *exportCommand) stopped(s streams, done transfer.Exported, err error) error {
	if len(done.Cursors) == 0 {
		return err
	}
	if err := c.keepCursors(done.Cursors); err != nil {
		return err
	}
	if !isTerminal(s.err) {
		if err := writeJSON(s.err, done); err != nil {
			return err
		}
	}
	return toGoOn(err, "resume with larder export"+c.again(done)+", adding to what is written")
}

// again is the arguments that go on from where this export ended.
func (c *exportCommand) again(done transfer.Exported) string {
	args := append([]string{""}, c.Tables...)
	if c.CursorFile != "" {
		args = append(args, "--since", c.CursorFile)
	} else {
		for _, table := range slices.Sorted(maps.Keys(done.Cursors)) {
			args = append(args, "--since", table+"="+done.Cursors[table])
		}
	}
	return strings.Join(args, " ")
}

// cursors reads --since.
func (c *exportCommand) cursors() (map[string]string, error) {
	since := make(map[string]string)
	for _, text := range c.Since {
		if table, cursor, ok := strings.Cut(text, "="); ok && table != "" && cursor != "" {
			since[table] = cursor
			continue
		}
		data, err := os.ReadFile(text)
		if err != nil {
			return nil, usage("--since %s is neither TABLE=CURSOR nor a file that can be read: %v", text, err)
		}
		if err := json.Unmarshal(data, &since); err != nil {
			return nil, usage("--since %s: not what --cursor-file writes: %v", text, err)
		}
	}
	return since, nil
}

// keepCursors writes the file of cursors whole or not at all.
func (c *exportCommand) keepCursors(cursors map[string]string) error {
	if c.CursorFile == "" {
		return nil
	}
	file, err := os.CreateTemp(filepath.Dir(c.CursorFile), ".cursors-*")
	if err != nil {
		return err
	}
	err = errors.Join(writeJSON(file, cursors), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), c.CursorFile)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// open gives where the lines go to.
func (c *exportCommand) open(stdout io.Writer) (io.WriteCloser, error) {
	if c.Output == "" {
		return stdoutCloser{stdout}, nil
	}
	how := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	if c.Append {
		how = os.O_CREATE | os.O_WRONLY | os.O_APPEND
	}
	file, err := os.OpenFile(c.Output, how, 0o600)
	if err != nil {
		return nil, usageError{err.Error()}
	}
	return file, nil
}

// stdoutCloser is standard output, which is not ours to close.
type stdoutCloser struct{ io.Writer }

func (stdoutCloser) Close() error { return nil }

// bar is drawn only where it is not in the way of the lines.
func (c *exportCommand) bar(ctx context.Context, s streams, export transfer.Export) (bar, error) {
	if !isTerminal(s.err) || c.Output == "" && isTerminal(s.out) {
		return bar{}, nil
	}
	total, err := export.ExpectedLines(ctx)
	if err != nil {
		return bar{}, err
	}
	return newBar(s.err, total, false), nil
}
