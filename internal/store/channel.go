package store

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Longest names of channels and patterns, in bytes.
const (
	MaxChannelBytes = 256
	MaxPatternBytes = 2 * MaxChannelBytes // of a channel whose every character is escaped
)

// ValidateChannel holds a channel's name to the rules of a key, with 1 to 256
// bytes. The error is InvalidChannel.
func ValidateChannel(name string) error { return validateChannel("channel", name) }

func validateChannel(field, name string) error {
	switch {
	case name == "":
		return invalid(InvalidChannel, field, "a channel has 1 to %d bytes, this one is empty", MaxChannelBytes)
	case name == "." || name == "..":
		return invalid(InvalidChannel, field, "%q is not a channel: clients and proxies rewrite it in a path", name)
	case len(name) > MaxChannelBytes:
		return invalid(InvalidChannel, field, "a channel has at most %d bytes, this one has %d", MaxChannelBytes, len(name))
	}
	return validateText(InvalidChannel, field, name)
}

// ChannelPattern says which channels a subscription is for. In its text * stands
// for any run of characters, an empty one too, and ? for one character; \ takes
// the character after it literally. Without those it is one channel. It is
// comparable by its String.
//
//	orders            one channel
//	orders.*          orders.created, orders.eu.paid, "orders." itself
//	orders.?          orders.1, not orders.10
//	what\?            the channel "what?"
type ChannelPattern struct {
	text   string  // in its one form
	pieces []piece // between the *; one where there is none
}

// piece is text without *.
type piece struct {
	runes   []rune // anyRune for ?
	literal string // the same, where none is ?
}

// anyRune is what ? becomes; an escaped one stands for itself.
const anyRune rune = -1

func (p piece) isLiteral() bool { return !slices.Contains(p.runes, anyRune) }

// ParseChannelPattern reads a pattern of at most 512 bytes of UTF-8 without
// control characters; one without wildcards is a channel by the rules of
// ValidateChannel. The error is InvalidChannel.
func ParseChannelPattern(text string) (ChannelPattern, error) {
	const field = "pattern"
	if text == "" || len(text) > MaxPatternBytes {
		return ChannelPattern{}, invalid(InvalidChannel, field, "a pattern has 1 to %d bytes, this one has %d", MaxPatternBytes, len(text))
	}
	if err := validateText(InvalidChannel, field, text); err != nil {
		return ChannelPattern{}, err
	}
	pieces, ok := cutPattern(text)
	if !ok {
		return ChannelPattern{}, invalid(InvalidChannel, field, `a \ at the end of a pattern escapes nothing; for the character itself write \\`)
	}
	p := ChannelPattern{pieces: pieces}
	if channel, one := p.Channel(); one {
		if err := validateChannel(field, channel); err != nil {
			return ChannelPattern{}, err
		}
	}
	p.text = p.form()
	return p, nil
}

// cutPattern cuts a pattern at its *. Beside one, the ? of a run of wildcards go
// before it, and several * are one, so that patterns that match the same by such
// a difference alone have the same pieces.
func cutPattern(text string) (pieces []piece, ok bool) {
	runes := [][]rune{nil}
	escaped := false
	for _, r := range text {
		last := &runes[len(runes)-1]
		switch {
		case !escaped && r == '\\':
			escaped = true
			continue
		case !escaped && r == '*':
			if len(runes) == 1 || len(*last) > 0 {
				runes = append(runes, nil)
			}
		case !escaped && r == '?':
			if len(*last) == 0 && len(runes) > 1 {
				last = &runes[len(runes)-2]
			}
			*last = append(*last, anyRune)
		default:
			*last = append(*last, r)
		}
		escaped = false
	}
	for _, each := range runes {
		p := piece{runes: each}
		if p.isLiteral() {
			p.literal = string(each)
		}
		pieces = append(pieces, p)
	}
	return pieces, !escaped
}

// form writes the pattern down again.
func (p ChannelPattern) form() string {
	var b strings.Builder
	for i, each := range p.pieces {
		if i > 0 {
			b.WriteByte('*')
		}
		for _, r := range each.runes {
			switch r {
			case anyRune:
				b.WriteByte('?')
			case '*', '?', '\\':
				b.WriteByte('\\')
				b.WriteRune(r)
			default:
				b.WriteRune(r)
			}
		}
	}
	return b.String()
}

// String is the pattern's text in one form: that of "a\b**" is "ab*".
func (p ChannelPattern) String() string { return p.text }

// Channel gives the only channel that a pattern without wildcards matches.
func (p ChannelPattern) Channel() (name string, ok bool) {
	if len(p.pieces) != 1 || !p.pieces[0].isLiteral() {
		return "", false
	}
	return p.pieces[0].literal, true
}

// Ends gives what every channel that a pattern with wildcards matches begins
// with, and what it ends with after that: for an engine that can match no more
// than that by itself.
func (p ChannelPattern) Ends() (prefix, suffix string) {
	first, last := p.pieces[0].runes, p.pieces[len(p.pieces)-1].runes
	if i := slices.Index(first, anyRune); i >= 0 {
		first = first[:i]
	}
	for i, r := range slices.Backward(last) {
		if r == anyRune {
			last = last[i+1:]
			break
		}
	}
	return string(first), string(last)
}

// Match says whether a channel is one of the pattern's. What lies between two *
// is taken where it comes first, which leaves the most for the rest: no choice
// has to be taken back.
func (p ChannelPattern) Match(channel string) bool {
	rest, ok := p.pieces[0].cutFrom(channel)
	if !ok || len(p.pieces) == 1 {
		return ok && rest == ""
	}
	last := len(p.pieces) - 1
	if rest, ok = p.pieces[last].cutEnd(rest); !ok {
		return false
	}
	for _, each := range p.pieces[1:last] {
		if rest, ok = each.find(rest); !ok {
			return false
		}
	}
	return true
}

// cutFrom takes the piece off the beginning.
func (p piece) cutFrom(text string) (rest string, ok bool) {
	if p.literal != "" {
		return strings.CutPrefix(text, p.literal)
	}
	for _, want := range p.runes {
		r, n := utf8.DecodeRuneInString(text)
		if n == 0 || r != want && want != anyRune {
			return "", false
		}
		text = text[n:]
	}
	return text, true
}

// cutEnd takes the piece off the end.
func (p piece) cutEnd(text string) (rest string, ok bool) {
	if p.literal != "" {
		return strings.CutSuffix(text, p.literal)
	}
	for _, want := range slices.Backward(p.runes) {
		r, n := utf8.DecodeLastRuneInString(text)
		if n == 0 || r != want && want != anyRune {
			return "", false
		}
		text = text[:len(text)-n]
	}
	return text, true
}

// find gives what comes after the first place where the piece is.
func (p piece) find(text string) (rest string, ok bool) {
	if p.literal != "" {
		_, rest, ok = strings.Cut(text, p.literal)
		return rest, ok
	}
	for {
		if rest, ok = p.cutFrom(text); ok {
			return rest, true
		}
		_, n := utf8.DecodeRuneInString(text)
		if n == 0 {
			return "", false
		}
		text = text[n:]
	}
}
