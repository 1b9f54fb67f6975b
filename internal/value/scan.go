package value

import "bytes"

// scanner checks a text in one pass and brings it into canonical form on the way.
// What is canonical already, most of what clients send compact and all that larder
// wrote, is left where it is; out begins with the first place that is not. So the
// canonical form of data[:pos] is always out followed by data[copied:pos].
type scanner struct {
	data     []byte
	pos      int
	depth    int
	maxDepth int
	maxBytes int
	out      []byte
	copied   int
	sorter   *sorter // nil until an object has to be put in order
}

// document scans the whole text and gives its canonical form, a piece of data where
// it can.
func (s *scanner) document() ([]byte, *fault) {
	if bytes.HasPrefix(s.data, []byte("\xef\xbb\xbf")) {
		return nil, s.fault("the text must not begin with a byte order mark")
	}
	s.pos = spaceEnd(s.data, 0)
	s.copied = s.pos
	if f := s.value(s.space()); f != nil {
		return nil, f
	}
	text := s.data[s.copied:s.pos:s.pos]
	if s.out != nil {
		text = append(s.out, text...)
	}
	if s.pos = spaceEnd(s.data, s.pos); s.pos < len(s.data) {
		return nil, s.fault("nothing may follow the value")
	}
	if len(text) > s.maxBytes {
		return nil, &fault{size: len(text)}
	}
	return text, nil
}

// flush makes out the canonical form of data[:to], from where on something is to be
// written in another way or left out.
func (s *scanner) flush(to int) {
	if s.out == nil {
		s.out = make([]byte, 0, len(s.data)-s.copied)
	}
	s.out = append(s.out, s.data[s.copied:to]...)
	s.copied = to
}

// length is the length of the canonical form so far.
func (s *scanner) length() int { return len(s.out) + s.pos - s.copied }

func (s *scanner) fault(detail string) *fault { return &fault{offset: s.pos, detail: detail} }

func (s *scanner) faultAt(offset int, detail string) *fault {
	s.pos = offset
	return s.fault(detail)
}

// space leaves out the space that is next, and gives the byte after it: 0 at the end,
// which needs no telling apart from a NUL, for that is nowhere right.
func (s *scanner) space() byte {
	if i := s.pos; i < len(s.data) && s.data[i] > ' ' {
		return s.data[i]
	}
	return s.skip()
}

// skip is the rare part of space.
func (s *scanner) skip() byte {
	if end := spaceEnd(s.data, s.pos); end > s.pos {
		s.flush(s.pos)
		s.pos, s.copied = end, end
	}
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

func spaceEnd(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\t' || data[i] == '\n' || data[i] == '\r') {
		i++
	}
	return i
}

// value scans the value that begins with the byte c, which is next.
func (s *scanner) value(c byte) *fault {
	switch c {
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
	if len(s.data)-s.pos < len(word) || string(s.data[s.pos:s.pos+len(word)]) != word {
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
	c := s.space()
	if c == ']' {
		s.close()
		return nil
	}
	for i := 0; ; i++ {
		if f := s.value(c); f != nil {
			return f.under(itoa(i))
		}
		switch s.space() {
		case ',':
			s.pos++
			c = s.space()
		case ']':
			s.close()
			return nil
		default:
			return s.fault("a comma or the array's end ] is expected")
		}
	}
}

func (s *scanner) object() *fault {
	start, begin := s.pos, s.length()
	if f := s.open(); f != nil {
		return f
	}
	c := s.space()
	if c == '}' {
		s.close()
		return nil
	}
	sorted := true
	var before []byte
	for {
		at := s.pos
		if f := s.name(c); f != nil {
			return f
		}
		name := s.data[at+1 : s.pos-1]
		switch {
		case s.copied > at: // rewritten, and not to be compared as it stands
			sorted = false
		case before != nil && sorted:
			sorted = compareEscaped(before, name) < 0
		}
		before = name
		if f := s.member(); f != nil {
			return f.under(unescapeString(name))
		}
		switch s.space() {
		case ',':
			s.pos++
			c = s.space()
		case '}':
			s.close()
			if sorted {
				return nil
			}
			return s.sort(start, begin)
		default:
			return s.fault("a comma or the object's end } is expected")
		}
	}
}

func (s *scanner) name(c byte) *fault {
	if c != '"' {
		return s.fault("a member's name in double quotes is expected")
	}
	return s.string()
}

// member scans what follows a name: the colon and the value.
func (s *scanner) member() *fault {
	if s.space() != ':' {
		return s.fault("a colon is expected after the name")
	}
	s.pos++
	return s.value(s.space())
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
