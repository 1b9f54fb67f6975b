package value

import "testing"

func TestErrorTexts(t *testing.T) {
	for want, err := range map[string]error{
		`JSON: at byte 3: x`:        &SyntaxError{Offset: 3, Detail: "x"},
		`JSON: at byte 3, in /a: x`: &SyntaxError{Pointer: "/a", Offset: 3, Detail: "x"},
		`the value has more than the 10 bytes that are allowed: 12`: &TooLargeError{Size: 12, Max: 10},
		`JSON pointer "a": x`:  &PointerError{"a", "x"},
		`patch: x`:             &PatchError{Detail: "x"},
		`patch: at /0/path: x`: &PatchError{Pointer: "/0/path", Detail: "x"},
		`filter: x`:            &FilterError{Detail: "x"},
		`filter: at /and/0: x`: &FilterError{"/and/0", "x"},
		`path "$x": x`:         &FieldPathError{"$x", "x"},
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
}
