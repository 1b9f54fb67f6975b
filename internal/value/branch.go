package value

// branch is a sequence of an array's elements or an object's members: a persistent
// weight-balanced tree of segments. Nothing in one is ever changed, so sequences share
// what they have in common: to copy is free, and an edit anywhere costs the logarithm
// of the length. Join and split are after Blelloch, Ferizovic, Sun: "Just Join for
// Parallel Ordered Sets" (SPAA 2016); the balance is Hirai and Yamamoto's ⟨3, 2⟩.
// The nil branch is the empty sequence.
type branch struct {
	left, right *branch
	segment     segment
	weight      int // segments, plus 1
	all         extent
}

// extent sums up elements: how many, how long without the commas between, and how
// deep the deepest of them nests.
type extent struct{ count, size, height int }

func (e extent) plus(o extent) extent {
	return extent{e.count + o.count, e.size + o.size, max(e.height, o.height)}
}

func (b *branch) extent() extent {
	if b == nil {
		return extent{}
	}
	return b.all
}

func weight(b *branch) int {
	if b == nil {
		return 1
	}
	return b.weight
}

func newBranch(l *branch, s segment, r *branch) *branch {
	return &branch{
		left: l, right: r, segment: s,
		weight: weight(l) + weight(r),
		all:    l.extent().plus(s.extent).plus(r.extent()),
	}
}

// build makes a balanced sequence.
func build(segments []segment) *branch {
	if len(segments) == 0 {
		return nil
	}
	mid := len(segments) / 2
	return newBranch(build(segments[:mid]), segments[mid], build(segments[mid+1:]))
}

// outweighs says whether a is too heavy to stand beside b.
func outweighs(a, b *branch) bool { return weight(a) > 3*weight(b) }

// join sets two sequences and a segment between them in a row.
func join(l *branch, s segment, r *branch) *branch {
	switch {
	case outweighs(l, r):
		return balance(l.left, l.segment, join(l.right, s, r))
	case outweighs(r, l):
		return balance(join(l, s, r.left), r.segment, r.right)
	default:
		return newBranch(l, s, r)
	}
}

// balance is newBranch where one side may be too heavy by little.
func balance(l *branch, s segment, r *branch) *branch {
	switch {
	case outweighs(r, l):
		if mid := r.left; weight(mid) >= 2*weight(r.right) {
			return newBranch(newBranch(l, s, mid.left), mid.segment, newBranch(mid.right, r.segment, r.right))
		}
		return newBranch(newBranch(l, s, r.left), r.segment, r.right)
	case outweighs(l, r):
		if mid := l.right; weight(mid) >= 2*weight(l.left) {
			return newBranch(newBranch(l.left, l.segment, mid.left), mid.segment, newBranch(mid.right, s, r))
		}
		return newBranch(l.left, l.segment, newBranch(l.right, s, r))
	default:
		return newBranch(l, s, r)
	}
}

// split gives the first i elements and the rest.
func split(b *branch, i int) (*branch, *branch) {
	if b == nil {
		return nil, nil
	}
	before := b.left.extent().count
	switch end := before + b.segment.count; {
	case i <= before:
		l, r := split(b.left, i)
		return l, join(r, b.segment, b.right)
	case i >= end:
		l, r := split(b.right, i-end)
		return join(b.left, b.segment, l), r
	default:
		head, tail := b.segment.cut(i - before)
		return join(b.left, head, nil), join(nil, tail, b.right)
	}
}

// concat sets two sequences in a row.
func concat(l, r *branch) *branch {
	if l == nil || r == nil {
		if l == nil {
			return r
		}
		return l
	}
	s, rest := cutFirst(r)
	return join(l, s, rest)
}

func cutFirst(b *branch) (segment, *branch) {
	if b.left == nil {
		return b.segment, b.right
	}
	s, rest := cutFirst(b.left)
	return s, join(rest, b.segment, b.right)
}

// insert gives a sequence with the one element s at index i.
func (b *branch) insert(i int, s segment) *branch {
	l, r := split(b, i)
	return join(l, s, r)
}

// replace gives a sequence with s in place of the element at index i.
func (b *branch) replace(i int, s segment) *branch {
	l, r := split(b, i)
	_, r = split(r, 1)
	return join(l, s, r)
}

// remove gives a sequence without the element at index i.
func (b *branch) remove(i int) *branch {
	l, r := split(b, i)
	_, r = split(r, 1)
	return concat(l, r)
}

// at gives the element at index i, which there is.
func (b *branch) at(i int) *node {
	for {
		before := b.left.extent().count
		switch end := before + b.segment.count; {
		case i < before:
			b = b.left
		case i >= end:
			i -= end
			b = b.right
		default:
			return b.segment.at(i - before)
		}
	}
}

// search looks for a member by its unescaped name: its index, or the one it would
// have, and its value, or nil.
func (b *branch) search(name string) (index int, value *node) {
	var last *branch // the one with the greatest first name that is not after name
	start := 0       // its index
	for base := 0; b != nil; {
		if compareName(b.segment.name, name) > 0 {
			b = b.left
			continue
		}
		last, start = b, base+b.left.extent().count
		base = start + b.segment.count
		b = b.right
	}
	if last == nil {
		return 0, nil
	}
	i, value := last.segment.search(name)
	return start + i, value
}

// append writes the elements with commas between them.
func (b *branch) append(dst []byte) []byte {
	if b.left != nil {
		dst = append(b.left.append(dst), ',')
	}
	dst = b.segment.append(dst)
	if b.right != nil {
		dst = b.right.append(append(dst, ','))
	}
	return dst
}
