package httpapi

import (
	"strconv"
	"strings"
	"time"

	"larder/internal/store"
)

// tellTiming tells a client that asked for it by Prefer: timing what its request went to
// by now, as Server-Timing (https://www.w3.org/TR/server-timing/): the stores in the order
// in which they were asked, and the whole.
func (x *exchange) tellTiming() {
	if x.trace == nil {
		return
	}
	h := x.Header()
	h.Add("Preference-Applied", "timing")
	h["Server-Timing"] = []string{serverTiming(x.trace)}
}

// serverTiming writes the spans of a trace.
func serverTiming(t *store.Trace) string {
	total := time.Since(t.Began())
	spans, dropped := t.Spans()
	text := make([]byte, 0, 64*(len(spans)+1))
	for _, s := range spans {
		text = append(text, s.Name...) // a backend's name is a token
		if about := aboutSpan(s); about != "" {
			text = append(text, `;desc="`...)
			text = append(text, quotable.Replace(about)...)
			text = append(text, '"')
		}
		if s.Operation != "" {
			text = appendDuration(text, s.Took)
		}
		text = append(text, ", "...)
	}
	if dropped > 0 {
		text = append(text, `more;desc="`...)
		text = strconv.AppendInt(text, int64(dropped), 10)
		text = append(text, `", `...)
	}
	return string(appendDuration(append(text, "total"...), total))
}

// aboutSpan says what was asked and what came of it.
func aboutSpan(s store.Span) string {
	words := make([]string, 0, 3)
	for _, word := range []string{s.Operation, s.Outcome, string(s.Code)} {
		if word != "" {
			words = append(words, word)
		}
	}
	if s.Underway {
		words = append(words, "under way")
	}
	return strings.Join(words, "; ")
}

// quotable leaves of a text what a quoted string can hold (RFC 9110, section 5.6.4).
var quotable = strings.NewReplacer(`"`, "'", `\`, "/")

// appendDuration writes a duration in milliseconds, to the microsecond.
func appendDuration(text []byte, d time.Duration) []byte {
	text = append(text, ";dur="...)
	return strconv.AppendFloat(text, float64(d.Microseconds())/1000, 'f', -1, 64)
}
