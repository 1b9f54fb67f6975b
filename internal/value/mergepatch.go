package value

import "fmt"

// PatchError says why a patch was not applied. Nothing of it was then.
type PatchError struct {
	Pointer   string // RFC 6901, into the patch: the operation, or the member of it, at fault
	Test      bool   // a test operation failed
	Malformed bool   // the patch is wrong whatever it is applied to
	Detail    string
}

func (e *PatchError) Error() string {
	if e.Pointer == "" {
		return "patch: " + e.Detail
	}
	return fmt.Sprintf("patch: at %s: %s", e.Pointer, e.Detail)
}

// MergePatch applies a merge patch (RFC 7396) to target; a nil target is a missing
// one. The result satisfies lim, else the error is a *TooLargeError or a *PatchError.
func MergePatch(target, patch []byte, lim Limits) (Value, error) {
	lim = lim.withDefaults()
	if len(target) == 0 {
		target = emptyObject
	}
	m := merger{out: make([]byte, 0, min(len(target)+len(patch), lim.MaxBytes))}
	m.value(target, 0, patch, 0)
	return limited(m.out, lim)
}

// limited makes a Value of a text whose parts are canonical, within the limits.
func limited(text []byte, lim Limits) (Value, error) {
	if len(text) > lim.MaxBytes {
		return Value{}, &TooLargeError{Size: len(text), Max: lim.MaxBytes}
	}
	if _, height := measure(text, 0); height > lim.MaxDepth {
		return Value{}, tooDeep("", lim)
	}
	return Value{Data: text}, nil
}

func tooDeep(pointer string, lim Limits) *PatchError {
	return &PatchError{Pointer: pointer, Detail: "the value would nest deeper than " + itoa(lim.MaxDepth)}
}

var emptyObject = []byte("{}")

// merger walks target and patch side by side, which their order of names allows. The
// result is at most as long as both together.
type merger struct{ out []byte }

// value merges the values that begin at target[t] and patch[p], and gives where they
// end.
func (m *merger) value(target []byte, t int, patch []byte, p int) (endT, endP int) {
	if patch[p] != '{' {
		endP = endOf(patch, p)
		m.out = append(m.out, patch[p:endP]...)
		return endOf(target, t), endP
	}
	if target[t] != '{' {
		_, endP = m.members(emptyObject, 1, patch, p+1)
		return endOf(target, t), endP
	}
	return m.members(target, t+1, patch, p+1)
}

func (m *merger) members(target []byte, t int, patch []byte, p int) (endT, endP int) {
	m.out = append(m.out, '{')
	old, change := pickMember(target, t), pickMember(patch, p)
	for !old.end || !change.end {
		switch c := old.compare(change); {
		case c < 0:
			end := endOf(target, old.value)
			m.separate()
			m.out = append(m.out, target[old.start:end]...)
			old = pickMember(target, next(target, end))
		case c > 0:
			end := change.value + len("null")
			if patch[change.value] != 'n' {
				m.name(patch, change)
				_, end = m.value(emptyObject, 0, patch, change.value)
			}
			change = pickMember(patch, next(patch, end))
		default:
			var endOld, end int
			if patch[change.value] == 'n' {
				endOld, end = endOf(target, old.value), change.value+len("null")
			} else {
				m.name(patch, change)
				endOld, end = m.value(target, old.value, patch, change.value)
			}
			old = pickMember(target, next(target, endOld))
			change = pickMember(patch, next(patch, end))
		}
	}
	m.out = append(m.out, '}')
	return old.start + 1, change.start + 1
}

// separate writes the comma that a member needs unless it is the first.
func (m *merger) separate() {
	if m.out[len(m.out)-1] != '{' {
		m.out = append(m.out, ',')
	}
}

func (m *merger) name(patch []byte, c pick) {
	m.separate()
	m.out = append(m.out, patch[c.start:c.value]...)
}

// pick is the member that a walk over an object is at: its name, and where it and its
// value begin; or the object's end.
type pick struct {
	name         []byte
	start, value int
	end          bool
}

func pickMember(raw []byte, i int) pick {
	if raw[i] == '}' {
		return pick{start: i, end: true}
	}
	name, value := nameAt(raw, i)
	return pick{name: name, start: i, value: value}
}

// compare orders by name, with the end after all names.
func (a pick) compare(b pick) int {
	switch {
	case a.end:
		return 1
	case b.end:
		return -1
	default:
		return compareEscaped(a.name, b.name)
	}
}
