package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"larder/api"
)

// maxPageEntries is the most that the server gives at once.
const maxPageEntries = 1000

// window says how much of a list to show.
type window struct {
	Limit *int `placeholder:"100" xor:"much" help:"The most entries."`
	All   bool `xor:"much" help:"All entries."`
}

// most is the most entries to show.
func (w window) most() int {
	switch {
	case w.All:
		return math.MaxInt
	case w.Limit == nil:
		return 100
	}
	return *w.Limit
}

// pageLimit is the same for all pages: a cursor goes with its arguments.
func (w window) pageLimit() int { return min(w.most(), maxPageEntries) }

// show writes page after page, up to the limit.
func (w window) show(s streams, values bool, page func(cursor string) (entries []api.Entry, next string, err error)) error {
	out := newEntryWriter(s.out, values)
	var cursor string
	for shown := 0; ; {
		entries, next, err := page(cursor)
		if err != nil {
			return err
		}
		cut := len(entries) > w.most()-shown
		if cut {
			entries = entries[:w.most()-shown]
		}
		for _, e := range entries {
			if err := out.write(e); err != nil {
				return err
			}
		}
		shown += len(entries)
		if next == "" && !cut {
			return out.flush()
		}
		if shown >= w.most() {
			if err := out.flush(); err != nil {
				return err
			}
			s.note("There are more; --limit or --all shows them.")
			return nil
		}
		cursor = next
	}
}

// Validate refuses a limit that shows nothing.
func (w window) Validate() error {
	if w.most() < 1 {
		return usage("--limit is %d; it is at least 1", w.most())
	}
	return nil
}

// entryWriter writes entries as columns or as lines of JSON.
type entryWriter struct {
	write func(api.Entry) error
	flush func() error
}

func newEntryWriter(w io.Writer, values bool) entryWriter {
	if !isTerminal(w) {
		return entryWriter{
			write: func(e api.Entry) error { return writeJSON(w, e) },
			flush: func() error { return nil },
		}
	}
	table := newTable(w)
	last := "EXPIRES"
	if values {
		last = "VALUE"
	}
	fmt.Fprintf(table, "KEY\tVERSION\tUPDATED\t%s\n", last)
	return entryWriter{
		write: func(e api.Entry) error {
			about := "never"
			if e.ExpiresAt != nil {
				about = localTime(*e.ExpiresAt)
			}
			if values {
				about = shorten(string(e.Value))
			}
			_, err := fmt.Fprintf(table, "%s\t%d\t%s\t%s\n", e.Key, e.Version, localTime(e.UpdatedAt), about)
			return err
		},
		flush: table.Flush,
	}
}

func localTime(t time.Time) string { return t.Local().Format(time.DateTime) }

// shorten makes a value fit beside its key.
func shorten(text string) string {
	const most = 80
	text = strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' {
			return ' '
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
