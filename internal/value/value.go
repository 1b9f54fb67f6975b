package value

import (
	"bytes"
	"fmt"
)

// Encoding says what the bytes of a Value are.
type Encoding uint8

// The encodings. The zero Encoding is JSON.
const (
	JSON  Encoding = iota // canonical JSON text
	Bytes                 // opaque bytes, any of them
)

// String gives the name that the contract uses: "json" or "base64".
func (e Encoding) String() string {
	if e == Bytes {
		return "base64"
	}
	return "json"
}

// Value is a stored value: canonical JSON text, or opaque bytes. It is immutable:
// nobody changes Data after the Value is made. The zero Value is no value.
type Value struct {
	Data     []byte
	Encoding Encoding
}

// OfBytes makes a Value of opaque bytes. It keeps b, and does not copy it.
func OfBytes(b []byte) Value { return Value{Data: b, Encoding: Bytes} }

// IsZero says whether v is no value at all. Opaque bytes of length 0 are a value.
func (v Value) IsZero() bool { return v.Encoding == JSON && len(v.Data) == 0 }

// Equal says whether v and o are the same value, which for canonical text is the
// same as being the same bytes.
func (v Value) Equal(o Value) bool {
	return v.Encoding == o.Encoding && bytes.Equal(v.Data, o.Data)
}

// The default limits.
const (
	DefaultMaxBytes = 1 << 20
	DefaultMaxDepth = 128
)

// Limits bound a JSON value. Zero fields mean the defaults.
type Limits struct {
	MaxBytes int // of the text as it came and of its canonical form; default 1 MiB
	MaxDepth int // of arrays and objects within each other; default 128
}

func (l Limits) withDefaults() Limits {
	if l.MaxBytes <= 0 {
		l.MaxBytes = DefaultMaxBytes
	}
	if l.MaxDepth <= 0 {
		l.MaxDepth = DefaultMaxDepth
	}
	return l
}

// MustParse is Parse under the default limits for text known to be good: constants,
// examples, tests. It panics where Parse fails.
func MustParse(text string) Value {
	v, err := Parse([]byte(text), Limits{})
	if err != nil {
		panic(fmt.Sprintf("value: MustParse(%q): %v", text, err))
	}
	return v
}
