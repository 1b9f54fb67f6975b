package value

import (
	"bytes"
	"slices"
	"sync"
)

// sorter puts the members of an object in order.
type sorter struct {
	members []span
	scratch []byte
}

// sorters are kept, since most values need one, and briefly. One that has grown
// over keptScratch bytes is not.
var sorters = sync.Pool{New: func() any { return &sorter{members: make([]span, 0, 16)} }}

const keptScratch = 64 << 10

// release gives the sorter back that the scanner has used.
func (s *scanner) release() {
	if s.sorter != nil && cap(s.sorter.scratch) <= keptScratch {
		sorters.Put(s.sorter)
	}
	s.sorter = nil
}

// span is a member of an object's text: where it begins, where its value does, and
// where it ends.
type span struct{ start, value, end int }

// name gives the name, without quotes.
func (m span) name(object []byte) []byte { return object[m.start+1 : m.value-2] }

// sort puts the members of the object that was scanned from data[start] on, and is
// in canonical form from begin on, in the order of their names.
func (s *scanner) sort(start, begin int) *fault {
	s.flush(s.pos)
	if s.sorter == nil {
		s.sorter = sorters.Get().(*sorter) //nolint:forcetypeassert // it makes nothing else
	}
	if name, ok := s.sorter.sort(s.out[begin:]); !ok {
		f := &fault{offset: s.second(start, name), detail: "a name may stand only once in an object"}
		return f.under(string(name))
	}
	return nil
}

// sort works in place. If a name is there twice it stops and gives it, unescaped.
func (s *sorter) sort(object []byte) (twice []byte, ok bool) {
	s.members = s.members[:0]
	for i := 1; object[i] != '}'; {
		_, value := nameAt(object, i)
		end := endOf(object, value)
		s.members = append(s.members, span{i, value, end})
		i = next(object, end)
	}
	slices.SortFunc(s.members, func(a, b span) int { return compareEscaped(a.name(object), b.name(object)) })
	for i := 1; i < len(s.members); i++ {
		if name := s.members[i].name(object); bytes.Equal(s.members[i-1].name(object), name) {
			return unescaped(name), false
		}
	}
	s.scratch = append(s.scratch[:0], object...)
	to := object[:1]
	for i, m := range s.members {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(to, s.scratch[m.start:m.end]...)
	}
	return nil, true
}

// second finds where a name stands for the second time in the object at data[start],
// which has been scanned.
func (s *scanner) second(start int, name []byte) int {
	again := scanner{data: s.data, pos: start + 1, maxDepth: s.maxDepth, maxBytes: s.maxBytes, copied: start}
	for found := false; ; {
		c := again.space()
		at := again.pos
		if again.name(c) != nil {
			return at
		}
		if bytes.Equal(unescaped(s.data[at+1:again.pos-1]), name) {
			if found {
				return at
			}
			found = true
		}
		if again.member() != nil {
			return at
		}
		again.space()
		again.pos++ // the comma
	}
}
