package value

import "bytes"

// node is a value that is being edited. It begins as text, and is taken apart only
// where an edit goes. Like a branch it never changes, so that a node can stand in
// several places; taking apart is remembered, and does not count as change. Not safe
// for concurrent use.
type node struct {
	text   []byte // canonical; nil for an array or object that was put together
	object bool   // for one that was put together
	size   int    // of the canonical text
	height int    // as measure has it
	kids   *branch
	opened bool // kids is right
}

func newNode(text []byte) *node {
	_, height := measure(text, 0)
	return &node{text: text, size: len(text), height: height}
}

// compose makes an array or object of its elements.
func compose(object bool, kids *branch) *node {
	all := kids.extent()
	return &node{
		object: object,
		size:   len("[]") + all.size + max(all.count-1, 0),
		height: all.height + 1,
		kids:   kids,
		opened: true,
	}
}

func (n *node) kind() Kind {
	switch {
	case n.text != nil:
		return kindOf(n.text[0])
	case n.object:
		return Object
	default:
		return Array
	}
}

// elements gives the elements of an array or the members of an object.
func (n *node) elements() *branch {
	if !n.opened {
		n.kids = build(segments(n.text))
		n.opened = true
	}
	return n.kids
}

func (n *node) append(dst []byte) []byte {
	switch {
	case n.text != nil:
		return append(dst, n.text...)
	case n.object:
		dst = append(dst, '{')
	default:
		dst = append(dst, '[')
	}
	if n.kids != nil {
		dst = n.kids.append(dst)
	}
	if n.object {
		return append(dst, '}')
	}
	return append(dst, ']')
}

// equal compares with a canonical text, in time bounded by its length.
func (n *node) equal(text []byte) bool {
	if n.size != len(text) {
		return false
	}
	if n.text != nil {
		return bytes.Equal(n.text, text)
	}
	return bytes.Equal(n.append(make([]byte, 0, n.size)), text)
}

// segment is a part of a sequence: one element as a node, or a run of small ones as
// the text they came in, since a large array of small numbers would take a hundred
// times the space if each were a node.
type segment struct {
	extent
	name  []byte // of the first member, between its quotes; nil in an array
	text  []byte // of a run, with the names and the commas between
	value *node  // of one element; then there is no text
}

func single(name []byte, value *node) segment {
	s := segment{name: name, value: value, extent: extent{count: 1, size: value.size, height: value.height}}
	if name != nil {
		s.size += len(name) + len(`"":`)
	}
	return s
}

// A run ends when it has this many elements or bytes; an element larger than maxSmall
// is not taken into one.
const (
	maxRun      = 64
	maxRunBytes = 1 << 10
	maxSmall    = 256
)

// segments takes the text of an array or object apart.
func segments(text []byte) []segment {
	var (
		list  []segment
		run   = segment{}
		start int
	)
	flush := func(end int) {
		if run.count > 0 {
			run.text = text[start:end]
			run.size = len(run.text) - (run.count - 1)
			list = append(list, run)
			run = segment{}
		}
	}
	object := text[0] == '{'
	for i := 1; i < len(text)-1; {
		name, at := elementAt(text, i, object)
		end, height := measure(text, at)
		if end-at > maxSmall {
			flush(i - 1)
			list = append(list, single(name, &node{text: text[at:end:end], size: end - at, height: height}))
		} else {
			if run.count == 0 {
				start = i
				run.name = name
			}
			run.count++
			run.height = max(run.height, height)
			if run.count == maxRun || end-start >= maxRunBytes {
				flush(end)
			}
		}
		i = end + 1
	}
	flush(len(text) - 1)
	return list
}

// elementAt reads the name of the member that begins at text[i], or nil where it is
// an element of an array, and gives where the value begins.
func elementAt(text []byte, i int, member bool) (name []byte, at int) {
	if member {
		return nameAt(text, i)
	}
	return nil, i
}

// skip gives where element j of a run begins.
func (s segment) skip(j int) int {
	i := 0
	for range j {
		_, at := elementAt(s.text, i, s.name != nil)
		i = endOf(s.text, at) + 1
	}
	return i
}

// cut parts a run before element j, which is neither its first nor past its last.
func (s segment) cut(j int) (head, tail segment) {
	i := s.skip(j)
	member := s.name != nil
	return runOf(s.text[:i-1], j, member), runOf(s.text[i:], s.count-j, member)
}

func runOf(text []byte, count int, member bool) segment {
	s := segment{text: text, extent: extent{count: count, size: len(text) - (count - 1)}}
	s.name, _ = elementAt(text, 0, member)
	for i := 0; i < len(text); {
		_, at := elementAt(text, i, member)
		end, height := measure(text, at)
		s.height = max(s.height, height)
		i = end + 1
	}
	return s
}

func (s segment) at(j int) *node {
	if s.value != nil {
		return s.value
	}
	_, at := elementAt(s.text, s.skip(j), s.name != nil)
	return newNode(s.text[at:endOf(s.text, at)])
}

// search is branch.search within the segment, whose first name is not after name.
func (s segment) search(name string) (index int, value *node) {
	if s.value != nil {
		if compareName(s.name, name) == 0 {
			return 0, s.value
		}
		return 1, nil
	}
	for i := 0; i < len(s.text); index++ {
		text, at := nameAt(s.text, i)
		end := endOf(s.text, at)
		switch c := compareName(text, name); {
		case c == 0:
			return index, newNode(s.text[at:end])
		case c > 0:
			return index, nil
		}
		i = end + 1
	}
	return index, nil
}

func (s segment) append(dst []byte) []byte {
	if s.value == nil {
		return append(dst, s.text...)
	}
	if s.name != nil {
		dst = append(dst, '"')
		dst = append(dst, s.name...)
		dst = append(dst, '"', ':')
	}
	return s.value.append(dst)
}
