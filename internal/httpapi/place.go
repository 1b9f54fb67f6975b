package httpapi

import (
	"fmt"

	"larder/internal/store"
)

// place is where in a request something is wrong: exactly one of the three, or
// none where it is not about a part of the request.
type place struct {
	pointer   *string // into the body, RFC 6901; "" is all of it
	parameter string  // of path or query
	header    string
}

// located is an error that knows its place.
type located struct {
	cause *store.Error
	place place
}

func (l *located) Error() string { return l.cause.Error() }
func (l *located) Unwrap() error { return l.cause }

func inHeader(name string, err *store.Error) error {
	return &located{err, place{header: name}}
}

func inParameter(name string, err *store.Error) error {
	return &located{err, place{parameter: name}}
}

func inBody(pointer string, err *store.Error) error {
	return &located{err, place{pointer: &pointer}}
}

func invalidHeader(name, format string, args ...any) error {
	return inHeader(name, &store.Error{Code: invalidHeaderCode, Detail: fmt.Sprintf(format, args...)})
}

func invalidParameter(name, format string, args ...any) error {
	return inParameter(name, &store.Error{Code: invalidParameterCode, Detail: fmt.Sprintf(format, args...)})
}

func invalidBody(pointer, format string, args ...any) error {
	return inBody(pointer, &store.Error{Code: invalidBodyCode, Detail: fmt.Sprintf(format, args...)})
}

// places says where a handler took the parts of a domain request from, so that
// an error about "expires_at" names the query parameter in one operation and
// the member of the body in another.
type places func(field, pointer string) place

// rawPlaces are those of operations on a raw value: the body is the value or
// the patch, everything else is in path, query and headers.
func rawPlaces(field, pointer string) place {
	switch field {
	case "value", "patch":
		return place{pointer: &pointer}
	case "metadata":
		return place{header: metadataHeader}
	case "precondition", "":
		return place{}
	}
	return place{parameter: field}
}

// queryPlaces are those of operations whose arguments are all parameters.
func queryPlaces(field, _ string) place { return place{parameter: field} }

// bodyPlaces are those of operations whose arguments are members of the body,
// table and key aside.
func bodyPlaces(field, pointer string) place {
	switch field {
	case "table", "key", "index", "name":
		return place{parameter: field}
	case "precondition", "":
		return place{}
	}
	pointer = "/" + field + pointer
	return place{pointer: &pointer}
}
