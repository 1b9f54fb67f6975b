package value

import "slices"

// The operations of RFC 6902.
const (
	opAdd     = "add"
	opRemove  = "remove"
	opReplace = "replace"
	opMove    = "move"
	opCopy    = "copy"
	opTest    = "test"
)

// operation is one of a JSON patch.
type operation struct {
	op         string
	path, from Pointer
	value      []byte
}

// parseJSONPatch reads a patch, and refuses all that no value could make right.
func parseJSONPatch(patch []byte) ([]operation, error) {
	if KindOf(patch) != Array {
		return nil, &PatchError{Malformed: true, Detail: "a JSON patch is an array of operations"}
	}
	var ops []operation
	for i := 1; patch[i] != ']'; {
		end := endOf(patch, i)
		op, refusal := parseOperation(patch[i:end])
		if refusal != nil {
			at := Pointer{itoa(len(ops))}
			if refusal.member != "" {
				at = append(at, refusal.member)
			}
			return nil, &PatchError{Pointer: at.String(), Malformed: true, Detail: refusal.detail}
		}
		ops = append(ops, op)
		i = next(patch, end)
	}
	return ops, nil
}

func parseOperation(raw []byte) (op operation, _ *refusal) {
	if KindOf(raw) != Object {
		return op, &refusal{"", "an operation is an object"}
	}
	op.op, _ = memberString(raw, "op")
	needsFrom, needsValue := false, false
	switch op.op {
	case opMove, opCopy:
		needsFrom = true
	case opAdd, opReplace, opTest:
		needsValue = true
	case opRemove:
	default:
		return op, &refusal{"op", "op must be one of add, remove, replace, move, copy, test"}
	}
	var fault *refusal
	if op.path, fault = memberPointer(raw, "path"); fault != nil {
		return op, fault
	}
	if needsFrom {
		if op.from, fault = memberPointer(raw, "from"); fault != nil {
			return op, fault
		}
		if op.op == opMove && len(op.from) < len(op.path) && slices.Equal(op.from, op.path[:len(op.from)]) {
			return op, &refusal{"path", "a value cannot be moved into itself"}
		}
	}
	if needsValue {
		value, found := Pointer{"value"}.Lookup(raw)
		if !found {
			return op, &refusal{"value", op.op + " needs a value"}
		}
		op.value = value
	}
	return op, nil
}

func memberString(raw []byte, name string) (string, bool) {
	text, _ := Pointer{name}.Lookup(raw)
	if KindOf(text) != String {
		return "", false
	}
	return unescapeString(text[1 : len(text)-1]), true
}

func memberPointer(raw []byte, name string) (Pointer, *refusal) {
	text, ok := memberString(raw, name)
	if !ok {
		return nil, &refusal{name, name + " must be a JSON pointer in a string"}
	}
	p, detail := parsePointer(text)
	return p, blame(name, detail)
}
