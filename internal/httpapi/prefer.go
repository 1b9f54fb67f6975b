package httpapi

import (
	"iter"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxWait bounds Prefer: wait=N.
const maxWait = 60 * time.Second

// preference is what a request prefers (RFC 7240), as far as larder knows it.
// Unknown and malformed preferences are ignored, as section 2 has it.
type preference struct {
	minimal        bool // return=minimal
	representation bool // return=representation
	wait           time.Duration
}

func preferences(h http.Header) preference {
	var p preference
	for name, text := range preferred(h) {
		switch {
		case name == "return" && !p.minimal && !p.representation: // the first one counts
			p.minimal = text == "minimal"
			p.representation = text == "representation"
		case name == "wait" && p.wait == 0:
			if n, err := strconv.Atoi(text); err == nil && n > 0 {
				p.wait = min(time.Duration(n)*time.Second, maxWait)
			}
		}
	}
	return p
}

// prefersTiming says whether the answer is to tell what its time went to.
func prefersTiming(h http.Header) bool {
	if len(h["Prefer"]) == 0 {
		return false
	}
	for name, text := range preferred(h) {
		if name == "timing" && text == "" {
			return true
		}
	}
	return false
}

// preferred are the preferences by name, in lower case, and value.
func preferred(h http.Header) iter.Seq2[string, string] {
	return func(yield func(name, text string) bool) {
		for _, line := range h["Prefer"] {
			for token := range strings.SplitSeq(line, ",") {
				token, _, _ = strings.Cut(token, ";")
				name, text, _ := strings.Cut(token, "=")
				if !yield(strings.ToLower(strings.TrimSpace(name)), strings.Trim(strings.TrimSpace(text), `"`)) {
					return
				}
			}
		}
	}
}

// applied tells which of the preferences the answer follows.
func (p preference) applied(h http.Header) {
	switch {
	case p.minimal:
		h.Add("Preference-Applied", "return=minimal")
	case p.representation:
		h.Add("Preference-Applied", "return=representation")
	}
	if p.wait > 0 {
		h.Add("Preference-Applied", "wait="+strconv.Itoa(int(p.wait/time.Second)))
	}
}
