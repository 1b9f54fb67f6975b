package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"golang.org/x/term"
)

// streams are where a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// complain writes a line about what is wrong.
func (s streams) complain(line string) {
	name := "larder:"
	if isTerminal(s.err) && os.Getenv("NO_COLOR") == "" {
		name = "\x1b[31mlarder:\x1b[0m"
	}
	fmt.Fprintln(s.err, name, line)
}

// note writes a line for a person, where there is one.
func (s streams) note(format string, args ...any) {
	if isTerminal(s.err) {
		fmt.Fprintf(s.err, format+"\n", args...)
	}
}

// writeJSON writes a value as one line.
func writeJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// newTable writes columns for a person.
func newTable(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 0, 2, ' ', 0) }

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
