package value

import (
	"bytes"
	"cmp"
	"slices"
)

// rewriter brings a checked text into canonical form, and finds names that an object
// has twice. It writes members as they come and puts them in order when their object
// ends, so that it builds no tree.
type rewriter struct {
	src      []byte
	pos      int
	out      []byte
	maxBytes int
	members  []member // of the objects that are open, outermost first
	scratch  []byte
}

// member is one that was written to out: ["name":value), offsets from its object's {.
type member struct {
	start, colon, end int
	offset            int // of the name in src
}

func (w *rewriter) space() {
	for w.pos < len(w.src) {
		switch w.src[w.pos] {
		case ' ', '\t', '\n', '\r':
			w.pos++
		default:
			return
		}
	}
}

func (w *rewriter) value() *fault {
	w.space()
	switch c := w.src[w.pos]; c {
	case '"':
		w.string()
	case '{':
		return w.object()
	case '[':
		return w.array()
	default:
		end := endOfScalar(w.src, w.pos)
		if text := w.src[w.pos:end]; c == '-' || isDigit(c) {
			w.out = parseDecimal(text).append(w.out)
		} else {
			w.out = append(w.out, text...)
		}
		w.pos = end
	}
	if len(w.out) > w.maxBytes {
		return &fault{size: len(w.out)}
	}
	return nil
}

func (w *rewriter) string() {
	end := endOfString(w.src, w.pos)
	w.out = append(w.out, '"')
	w.out = appendMinimal(w.out, w.src[w.pos+1:end-1])
	w.out = append(w.out, '"')
	w.pos = end
}

func (w *rewriter) array() *fault {
	w.out = append(w.out, '[')
	w.pos++
	w.space()
	for i := 0; w.src[w.pos] != ']'; i++ {
		if i > 0 {
			w.pos++ // the comma
			w.out = append(w.out, ',')
		}
		if f := w.value(); f != nil {
			return f.under(itoa(i))
		}
		w.space()
	}
	w.pos++
	w.out = append(w.out, ']')
	return nil
}

func (w *rewriter) object() *fault {
	begin := len(w.out)
	base := len(w.members)
	w.out = append(w.out, '{')
	w.pos++
	w.space()
	sorted := true
	for w.src[w.pos] != '}' {
		if len(w.members) > base {
			w.pos++ // the comma
			w.space()
			w.out = append(w.out, ',')
		}
		m := member{start: len(w.out) - begin, offset: w.pos}
		w.string()
		m.colon = len(w.out) - begin
		w.out = append(w.out, ':')
		w.space()
		w.pos++ // the colon
		if f := w.value(); f != nil {
			return f.under(unescapeString(m.name(w.out[begin:])))
		}
		m.end = len(w.out) - begin
		w.space()
		if sorted && len(w.members) > base {
			before := w.members[len(w.members)-1]
			sorted = compareEscaped(before.name(w.out[begin:]), m.name(w.out[begin:])) < 0
		}
		w.members = append(w.members, m)
	}
	w.pos++
	if !sorted {
		if f := w.sort(begin, w.members[base:]); f != nil {
			return f
		}
	}
	w.members = w.members[:base]
	w.out = append(w.out, '}')
	return nil
}

// sort puts the members, all that was written from begin on, in the order of their
// names.
func (w *rewriter) sort(begin int, members []member) *fault {
	w.scratch = append(w.scratch[:0], w.out[begin:]...)
	text := w.scratch
	slices.SortFunc(members, func(a, b member) int {
		return cmp.Or(compareEscaped(a.name(text), b.name(text)), cmp.Compare(a.offset, b.offset))
	})
	w.out = w.out[:begin+1]
	for i, m := range members {
		if i > 0 {
			if bytes.Equal(members[i-1].name(text), m.name(text)) {
				f := &fault{offset: m.offset, detail: "a name may stand only once in an object"}
				return f.under(unescapeString(m.name(text)))
			}
			w.out = append(w.out, ',')
		}
		w.out = append(w.out, text[m.start:m.end]...)
	}
	return nil
}

// name gives the name, without quotes, out of the text of its object.
func (m member) name(object []byte) []byte { return object[m.start+1 : m.colon-1] }
