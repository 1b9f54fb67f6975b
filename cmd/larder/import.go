package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"larder/cmd/larder/internal/transfer"
)

type importCommand struct {
	server
	File            string `arg:"" help:"File of JSON lines, or - for standard input."`
	Table           string `help:"The table of lines that name none."`
	Since           int    `placeholder:"LINE" help:"Go on from this line; those before it are done."`
	ContinueOnError bool   `help:"Pass over lines that can't be imported; the exit code is 1 all the same."`
}

// Help shows a line.
func (c *importCommand) Help() string {
	return `A line is {"table": "users", "key": "ada", "value": {"name": "Ada"}}, and may have "encoding" (base64), "metadata" and "expires_at"; {"table": "users", "key": "bob", "deleted": true} deletes.`
}

// importSummary is what a program gets to know.
type importSummary struct {
	transfer.Imported
	Seconds float64 `json:"seconds"`
	Error   string  `json:"error,omitempty"`
}

// Run imports the file and says what came of it.
func (c *importCommand) Run(ctx context.Context, s streams) error {
	larder, err := c.connect()
	if err != nil {
		return err
	}
	in, size, err := c.open(s.in)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // only read

	bar := newBar(s.err, size, true)
	began := time.Now()
	done, err := transfer.Import{
		Client: larder, Table: c.Table, From: c.Since, ContinueOnError: c.ContinueOnError,
		Progress: bar.add,
		Report: func(e transfer.LineError) {
			if c.ContinueOnError {
				bar.interrupt()
				s.complain(e.Error())
			}
		},
	}.Run(ctx, in)
	bar.finish()

	summary := importSummary{Imported: done, Seconds: time.Since(began).Seconds()}
	if err != nil {
		err = toGoOn(err, fmt.Sprintf("resume with --since %d", done.Next))
		summary.Error = err.Error()
	}
	if err := summary.write(s.out); err != nil {
		return err
	}
	if err == nil && done.Failed > 0 {
		return fmt.Errorf("%d lines could not be imported", done.Failed)
	}
	return err
}

func (c *importCommand) open(stdin io.Reader) (in io.ReadCloser, size int64, err error) {
	if c.File == "-" {
		return io.NopCloser(stdin), -1, nil
	}
	file, err := os.Open(c.File)
	if err != nil {
		return nil, 0, usageError{err.Error()}
	}
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, 0, errors.Join(err, file.Close())
	case info.IsDir():
		return nil, 0, errors.Join(usage("%s is a directory", c.File), file.Close())
	case !info.Mode().IsRegular():
		return file, -1, nil
	}
	return file, info.Size(), nil
}

// write is a sentence for a person and JSON for a program.
func (i importSummary) write(w io.Writer) error {
	if !isTerminal(w) {
		return writeJSON(w, i)
	}
	_, err := fmt.Fprintf(w, "%d entries put, %d deleted, %d expired ones passed over, %d lines failed, in %.1f s\n",
		i.Entries, i.Deletions, i.Expired, i.Failed, i.Seconds)
	return err
}
