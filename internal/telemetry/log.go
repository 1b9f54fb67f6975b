package telemetry

import (
	"io"
	"os"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/term"
)

// LogOptions say how to log. The zero value logs from info up to standard
// error, readable on a terminal and as JSON elsewhere.
type LogOptions struct {
	Level  string    // "trace", "debug", "info", "warn" or "error"; "": info
	Format string    // "console", "json", or "auto": console on a terminal; "": auto
	Out    io.Writer // nil: standard error
	Plain  bool      // no colours, even on a terminal; NO_COLOR has the same effect
}

// timeFormat is RFC 3339 with milliseconds, always as wide.
const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// NewLogger makes a logger whose lines bear the time in UTC.
func NewLogger(o LogOptions) (zerolog.Logger, error) {
	level := zerolog.InfoLevel
	if o.Level != "" {
		var err error
		if level, err = zerolog.ParseLevel(o.Level); err != nil {
			return zerolog.Nop(), err
		}
	}
	out := o.Out
	if out == nil {
		out = os.Stderr
	}
	terminal := isTerminal(out)
	if o.Format == "console" || (o.Format != "json" && terminal) {
		out = zerolog.ConsoleWriter{
			Out:             out,
			NoColor:         o.Plain || !terminal || os.Getenv("NO_COLOR") != "",
			FormatTimestamp: clockTime,
		}
	}
	return zerolog.New(out).Level(level).Hook(zerolog.HookFunc(stamp)), nil
}

// stamp writes the time by itself, since the format of zerolog's own Timestamp
// is a global of the whole process.
func stamp(e *zerolog.Event, _ zerolog.Level, _ string) {
	e.Str("time", time.Now().UTC().Format(timeFormat))
}

// clockTime shows people their own time of day.
func clockTime(stamped any) string {
	text, _ := stamped.(string)
	at, err := time.Parse(timeFormat, text)
	if err != nil {
		return text
	}
	return at.Local().Format("15:04:05.000")
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
