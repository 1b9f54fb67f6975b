package value

import (
	"fmt"
	"slices"
)

// SyntaxError says where and why a text is not a value that can be stored, and what
// would be right.
type SyntaxError struct {
	Pointer string // RFC 6901, to the innermost value that the fault lies in; past 1 KiB to one around it
	Offset  int    // of the fault, in bytes from the beginning of the text
	Detail  string // what would be right
}

func (e *SyntaxError) Error() string {
	if e.Pointer == "" {
		return fmt.Sprintf("JSON: at byte %d: %s", e.Offset, e.Detail)
	}
	return fmt.Sprintf("JSON: at byte %d, in %s: %s", e.Offset, e.Pointer, e.Detail)
}

// TooLargeError says that a value is over Limits.MaxBytes, as it came or in its
// canonical form.
type TooLargeError struct {
	Size int // in bytes; where the work stopped at once, as much as was seen
	Max  int // in bytes
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the value has more than the %d bytes that are allowed: %d", e.Max, e.Size)
}

// maxPointer bounds the pointer in an error: names are the caller's, and long ones
// would make the error as long as the value.
const maxPointer = 1 << 10

// fault is a SyntaxError on its way out of the nesting. Each level adds its name, so
// that a text without faults pays nothing for the pointer.
type fault struct {
	offset  int
	detail  string
	inverse []string // reference tokens, innermost first
	size    int      // not 0: the canonical form is too large, and this is why we stopped
}

func (f *fault) under(token string) *fault {
	f.inverse = append(f.inverse, token)
	return f
}

func (f *fault) asError(maxBytes int) error {
	if f.size > 0 {
		return &TooLargeError{Size: f.size, Max: maxBytes}
	}
	var p []byte
	for _, token := range slices.Backward(f.inverse) {
		longer := appendToken(p, token)
		if len(longer) > maxPointer {
			break
		}
		p = longer
	}
	return &SyntaxError{Pointer: string(p), Offset: f.offset, Detail: f.detail}
}
