package value

import (
	"bytes"
	"unicode/utf8"
)

// scanner checks a text in one pass and notices whether it is canonical already, as
// most are: what clients send compact and sorted, and what larder itself wrote. Only
// then are names compared, each with the one before it; an object whose names are
// not in order is searched for duplicates by the rewriter, which sorts them anyway.
type scanner struct {
	data      []byte
	pos       int
	depth     int
	maxDepth  int
	canonical bool // so far
}

// document scans the whole text and gives it without the space around it.
func (s *scanner) document() ([]byte, *fault) {
	if bytes.HasPrefix(s.data, []byte("\xef\xbb\xbf")) {
		return nil, s.fault("the text must not begin with a byte order mark")
	}
	canonical := s.canonical
	s.space()
	start := s.pos
	s.canonical = canonical // space around the value is cut off, not rewritten
	if f := s.value(); f != nil {
		return nil, f
	}
	end := s.pos
	canonical = s.canonical
	s.space()
	s.canonical = canonical
	if s.pos < len(s.data) {
		return nil, s.fault("nothing may follow the value")
	}
	return s.data[start:end:end], nil
}

func (s *scanner) fault(detail string) *fault { return &fault{offset: s.pos, detail: detail} }

// peek gives the next byte, or 0 at the end; a NUL is nowhere right, so that the two
// need no telling apart.
func (s *scanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
			s.canonical = false
		default:
			return
		}
	}
}

func (s *scanner) value() *fault {
	switch c := s.peek(); c {
	case '"':
		return s.string()
	case '{':
		return s.object()
	case '[':
		return s.array()
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		if c == '-' || isDigit(c) {
			return s.number()
		}
		return s.fault("a value is expected: an object, an array, a string, a number, true, false or null")
	}
}

func (s *scanner) literal(word string) *fault {
	if !bytes.HasPrefix(s.data[s.pos:], []byte(word)) {
		return s.fault("a value is expected here; did you mean " + word + "?")
	}
	s.pos += len(word)
	return nil
}

func (s *scanner) open() *fault {
	if s.depth == s.maxDepth {
		return s.fault("arrays and objects may be nested at most " + itoa(s.maxDepth) + " deep")
	}
	s.depth++
	s.pos++
	return nil
}

func (s *scanner) close() {
	s.depth--
	s.pos++
}

func (s *scanner) array() *fault {
	if f := s.open(); f != nil {
		return f
	}
	s.space()
	if s.peek() == ']' {
		s.close()
		return nil
	}
	for i := 0; ; i++ {
		if f := s.value(); f != nil {
			return f.under(itoa(i))
		}
		s.space()
		switch s.peek() {
		case ',':
			s.pos++
			s.space()
		case ']':
			s.close()
			return nil
		default:
			return s.fault("a comma or the array's end ] is expected")
		}
	}
}

func (s *scanner) object() *fault {
	if f := s.open(); f != nil {
		return f
	}
	s.space()
	if s.peek() == '}' {
		s.close()
		return nil
	}
	var before []byte
	for first := true; ; first = false {
		start := s.pos
		if s.peek() != '"' {
			return s.fault("a member's name in double quotes is expected")
		}
		if f := s.string(); f != nil {
			return f
		}
		name := s.data[start+1 : s.pos-1]
		if s.canonical && !first && compareEscaped(before, name) >= 0 {
			s.canonical = false
		}
		before = name
		s.space()
		if s.peek() != ':' {
			return s.fault("a colon is expected after the name").under(unescapeString(name))
		}
		s.pos++
		s.space()
		if f := s.value(); f != nil {
			return f.under(unescapeString(name))
		}
		s.space()
		switch s.peek() {
		case ',':
			s.pos++
			s.space()
		case '}':
			s.close()
			return nil
		default:
			return s.fault("a comma or the object's end } is expected")
		}
	}
}

// literalByte says which bytes stand for themselves in a string, and are ASCII.
var literalByte = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

func (s *scanner) string() *fault {
	data := s.data
	i := s.pos + 1
	for i < len(data) {
		c := data[i]
		switch {
		case literalByte[c]:
			i++
		case c == '"':
			s.pos = i + 1
			return nil
		case c == '\\':
			n, minimal, detail := checkEscape(data[i:])
			if detail != "" {
				s.pos = i
				return s.fault(detail)
			}
			s.canonical = s.canonical && minimal
			i += n
		case c < ' ':
			s.pos = i
			return s.fault(`a control character must be escaped, as in \n or \u001f`)
		default:
			r, n := utf8.DecodeRune(data[i:])
			if r == utf8.RuneError && n == 1 {
				s.pos = i
				return s.fault("the text must be valid UTF-8")
			}
			i += n
		}
	}
	s.pos = len(data)
	return s.fault("the string must end with a double quote")
}

// number scans a literal. Short ones without an exponent, nearly all, are judged by
// their looks; the rest is brought to decimal form.
func (s *scanner) number() *fault {
	start := s.pos
	if s.data[s.pos] == '-' {
		s.pos++
	}
	whole := s.pos
	digits := s.digits()
	switch {
	case digits == 0:
		return s.fault("a digit is expected after the minus")
	case digits > 1 && s.data[whole] == '0':
		s.pos = whole
		return s.fault("a number must not begin with a superfluous 0")
	}
	fraction := 0
	if s.peek() == '.' {
		s.pos++
		if fraction = s.digits(); fraction == 0 {
			return s.fault("a digit is expected after the decimal point")
		}
	}
	exponent := false
	if c := s.peek(); c == 'e' || c == 'E' {
		exponent = true
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		if s.digits() == 0 {
			return s.fault("a digit is expected in the exponent")
		}
	}
	text := s.data[start:s.pos]
	if !exponent && digits <= maxPlain && s.data[whole] != '0' && fraction <= maxPlain {
		if fraction > 0 && text[len(text)-1] == '0' {
			s.canonical = false
		}
		return nil
	}
	if len(text) == 1 { // 0
		return nil
	}
	d := parseDecimal(text)
	if detail := d.check(); detail != "" {
		s.pos = start
		return s.fault(detail)
	}
	s.canonical = s.canonical && d.isCanonical(text)
	return nil
}

// digits steps over decimal digits and says how many there were.
func (s *scanner) digits() int {
	start := s.pos
	for s.pos < len(s.data) && isDigit(s.data[s.pos]) {
		s.pos++
	}
	return s.pos - start
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
