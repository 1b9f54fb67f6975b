package value

import (
	"cmp"
	"slices"
)

// Project keeps of raw what the paths name, nested as it was; of an array the named
// elements, in order. Where there is none of them, it gives {}.
func Project(raw []byte, paths []Pointer) []byte {
	if len(raw) == 0 {
		return emptyObject
	}
	out, _, _ := newSelection(paths).append(nil, raw, 0)
	if len(out) == 0 {
		return emptyObject
	}
	return out
}

// selection is the tree of the paths that go on from a place.
type selection struct {
	whole    bool // one ends here
	members  []step
	elements []step // those of members whose name is an index too, in its order
}

type step struct {
	name  string
	index int
	to    *selection
}

func newSelection(paths []Pointer) *selection {
	sorted := slices.Clone(paths)
	slices.SortFunc(sorted, slices.Compare[Pointer])
	return selectFrom(sorted, 0)
}

// selectFrom makes the tree of sorted paths that have their first tokens in common.
func selectFrom(paths []Pointer, depth int) *selection {
	s := &selection{}
	for len(paths) > 0 && len(paths[0]) == depth {
		s.whole = true
		paths = paths[1:]
	}
	for len(paths) > 0 && !s.whole {
		name := paths[0][depth]
		n := 1
		for n < len(paths) && paths[n][depth] == name {
			n++
		}
		step := step{name: name, to: selectFrom(paths[:n], depth+1)}
		s.members = append(s.members, step)
		if index, ok := parseIndex(name); ok {
			step.index = index
			s.elements = append(s.elements, step)
		}
		paths = paths[n:]
	}
	slices.SortFunc(s.elements, func(a, b step) int { return cmp.Compare(a.index, b.index) })
	return s
}

// append writes what is selected of the value that begins at raw[i], and gives where
// that ends. Nothing is written if nothing is selected.
func (s *selection) append(dst, raw []byte, i int) (_ []byte, end int, some bool) {
	switch {
	case s.whole:
		end = endOf(raw, i)
		return append(dst, raw[i:end]...), end, true
	case raw[i] == '{' && len(s.members) > 0:
		return s.appendMembers(dst, raw, i+1)
	case raw[i] == '[' && len(s.elements) > 0:
		return s.appendElements(dst, raw, i+1)
	default:
		return dst, endOf(raw, i), false
	}
}

func (s *selection) appendMembers(dst, raw []byte, i int) (_ []byte, end int, some bool) {
	steps := s.members
	begin := len(dst)
	dst = append(dst, '{')
	for raw[i] != '}' {
		name, at := nameAt(raw, i)
		for len(steps) > 0 && compareName(name, steps[0].name) > 0 {
			steps = steps[1:]
		}
		if len(steps) == 0 || compareName(name, steps[0].name) < 0 {
			i = next(raw, endOf(raw, at))
			continue
		}
		before := len(dst)
		if some {
			dst = append(dst, ',')
		}
		dst = append(dst, raw[i:at]...)
		var found bool
		if dst, end, found = steps[0].to.append(dst, raw, at); !found {
			dst = dst[:before]
		}
		some = some || found
		i = next(raw, end)
	}
	if !some {
		return dst[:begin], i + 1, false
	}
	return append(dst, '}'), i + 1, true
}

func (s *selection) appendElements(dst, raw []byte, i int) (_ []byte, end int, some bool) {
	steps := s.elements
	begin := len(dst)
	dst = append(dst, '[')
	for index := 0; raw[i] != ']'; index++ {
		if len(steps) == 0 || steps[0].index != index {
			i = next(raw, endOf(raw, i))
			continue
		}
		before := len(dst)
		if some {
			dst = append(dst, ',')
		}
		var found bool
		if dst, end, found = steps[0].to.append(dst, raw, i); !found {
			dst = dst[:before]
		}
		some = some || found
		i = next(raw, end)
		steps = steps[1:]
	}
	if !some {
		return dst[:begin], i + 1, false
	}
	return append(dst, ']'), i + 1, true
}
