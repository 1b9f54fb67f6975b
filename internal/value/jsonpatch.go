package value

import "slices"

// JSONPatch applies a JSON patch (RFC 6902), all of it or nothing, to target. Every
// operation's result satisfies lim, so that copies of copies cannot grow; its cost
// grows with the logarithm of the value's size. Errors are *PatchError and, over the
// size, *TooLargeError.
func JSONPatch(target, patch []byte, lim Limits) (Value, error) {
	lim = lim.withDefaults()
	ops, err := parseJSONPatch(patch)
	if err != nil {
		return Value{}, err
	}
	if len(target) == 0 {
		return Value{}, &PatchError{Detail: "there is no value to apply it to"}
	}
	doc := newNode(target)
	for i, op := range ops {
		changed, refusal := op.apply(doc)
		if refusal != nil {
			return Value{}, &PatchError{
				Pointer: Pointer{itoa(i), refusal.member}.String(),
				Test:    op.op == opTest,
				Detail:  refusal.detail,
			}
		}
		if changed.size > lim.MaxBytes {
			return Value{}, &TooLargeError{Size: changed.size, Max: lim.MaxBytes}
		}
		if changed.height > lim.MaxDepth {
			return Value{}, tooDeep(Pointer{itoa(i)}.String(), lim)
		}
		doc = changed
	}
	return limited(doc.append(make([]byte, 0, doc.size)), lim)
}

// refusal says why an operation does not apply, and which member of it is to blame.
type refusal struct{ member, detail string }

// blame makes a refusal of an obstacle, if there is one.
func blame(member, obstacle string) *refusal {
	if obstacle == "" {
		return nil
	}
	return &refusal{member, obstacle}
}

func (op operation) apply(doc *node) (*node, *refusal) {
	switch op.op {
	case opAdd:
		changed, obstacle := doc.add(op.path, newNode(op.value))
		return changed, blame("path", obstacle)
	case opRemove:
		changed, obstacle := doc.remove(op.path)
		return changed, blame("path", obstacle)
	case opReplace:
		changed, obstacle := doc.replace(op.path, newNode(op.value))
		return changed, blame("path", obstacle)
	case opMove, opCopy:
		value, obstacle := doc.find(op.from)
		if obstacle == "" && op.op == opMove && len(op.from) > 0 {
			doc, obstacle = doc.remove(op.from)
		}
		if obstacle != "" {
			return nil, blame("from", obstacle)
		}
		changed, obstacle := doc.add(op.path, value)
		return changed, blame("path", obstacle)
	default: // test
		value, obstacle := doc.find(op.path)
		switch {
		case obstacle != "":
			return nil, blame("path", obstacle)
		case !value.equal(op.value):
			return nil, blame("value", "the value at "+quotedPlace(op.path)+" is another")
		}
		return doc, nil
	}
}

// The edits of a node. Each gives the changed node, or says what is in the way.

// find gives the value at p.
func (n *node) find(p Pointer) (_ *node, obstacle string) {
	for i, token := range p {
		_, child := n.child(token)
		if child == nil {
			return nil, "there is nothing at " + quotedPlace(p[:i+1])
		}
		n = child
	}
	return n, ""
}

// child gives the element of an array or the member of an object that a token names,
// with its index; nil if there is none.
func (n *node) child(token string) (index int, value *node) {
	switch n.kind() {
	case Object:
		return n.elements().search(token)
	case Array:
		if i, ok := parseIndex(token); ok && i < n.elements().extent().count {
			return i, n.elements().at(i)
		}
	}
	return 0, nil
}

// add puts a value at p, as RFC 6902 has it: into an array before the element at p, or
// after all with -; into an object in place of the member at p, if there is one.
func (n *node) add(p Pointer, value *node) (_ *node, obstacle string) {
	return n.edit(p, value, func(n *node, token string) (*node, string) {
		if n.kind() == Object {
			return n.set(token, value), ""
		}
		count := n.elements().extent().count
		i, ok := parseIndex(token)
		if token == "-" {
			i, ok = count, true
		}
		if !ok || i > count {
			return nil, "an array's index lies between 0 and its length, which is " + itoa(count)
		}
		return compose(false, n.elements().insert(i, single(nil, value))), ""
	})
}

// set is add to an object.
func (n *node) set(name string, value *node) *node {
	i, old := n.elements().search(name)
	member := single(appendEscaped([]byte{}, name), value)
	if old != nil {
		return compose(true, n.elements().replace(i, member))
	}
	return compose(true, n.elements().insert(i, member))
}

// remove takes away what is at p.
func (n *node) remove(p Pointer) (_ *node, obstacle string) {
	if len(p) == 0 {
		return nil, "the whole value cannot be removed; delete the key"
	}
	return n.edit(p, nil, func(n *node, token string) (*node, string) {
		i, old := n.child(token)
		if old == nil {
			return nil, "there is nothing at " + quotedPlace(p)
		}
		return compose(n.kind() == Object, n.elements().remove(i)), ""
	})
}

// replace puts a value in place of the one at p.
func (n *node) replace(p Pointer, value *node) (_ *node, obstacle string) {
	return n.edit(p, value, func(n *node, token string) (*node, string) {
		i, old := n.child(token)
		if old == nil {
			return nil, "there is nothing at " + quotedPlace(p)
		}
		return n.with(i, token, value), ""
	})
}

// with gives n with another value as its element or member at index i.
func (n *node) with(i int, token string, value *node) *node {
	if n.kind() == Object {
		return compose(true, n.elements().replace(i, single(appendEscaped([]byte{}, token), value)))
	}
	return compose(false, n.elements().replace(i, single(nil, value)))
}

// edit changes the array or object that p's last token is of, and with it all around
// it. For the empty pointer the answer is root.
func (n *node) edit(p Pointer, root *node, change func(n *node, token string) (*node, string)) (*node, string) {
	if len(p) == 0 {
		return root, ""
	}
	parents := p[:len(p)-1]
	type step struct {
		n     *node
		index int
	}
	steps := make([]step, 0, len(parents))
	for i, token := range parents {
		index, child := n.child(token)
		if child == nil {
			return nil, "there is nothing at " + quotedPlace(p[:i+1])
		}
		steps = append(steps, step{n, index})
		n = child
	}
	if kind := n.kind(); kind != Object && kind != Array {
		return nil, "at " + quotedPlace(parents) + " is neither an object nor an array"
	}
	changed, obstacle := change(n, p[len(p)-1])
	if obstacle != "" {
		return nil, obstacle
	}
	for i, step := range slices.Backward(steps) {
		changed = step.n.with(step.index, parents[i], changed)
	}
	return changed, ""
}
