package store

import (
	"errors"
	"strconv"

	"larder/internal/value"
)

// fields shows an entry to filters and sorts.
type fields struct{ entry *Entry }

var _ value.Doc = fields{}

// Field gives what a path leads to, as canonical text. An entry whose value is
// bytes has its other fields only.
func (f fields) Field(path value.FieldPath) ([]byte, bool) {
	e := f.entry
	switch path.Field {
	case value.FieldValue:
		if e.Value.Encoding != value.JSON {
			return nil, false
		}
		return path.Pointer.Lookup(e.Value.Data)
	case value.FieldKey:
		return value.AppendString(nil, e.Key), true
	case value.FieldVersion:
		return strconv.AppendInt(nil, e.Version, 10), true
	case value.FieldCreatedAt:
		return value.AppendTime(nil, e.CreatedAt), true
	case value.FieldUpdatedAt:
		return value.AppendTime(nil, e.UpdatedAt), true
	case value.FieldExpiresAt:
		if e.ExpiresAt.IsZero() {
			return []byte("null"), true
		}
		return value.AppendTime(nil, e.ExpiresAt), true
	case value.FieldMetadata:
		text, ok := e.Metadata[path.Name]
		if !ok {
			return nil, false
		}
		return value.AppendString(nil, text), true
	}
	return nil, false
}

// queryError gives a domain error for one of a part of a query.
func queryError(field string, err error) error {
	e := &Error{Code: InvalidQuery, Field: field, Detail: err.Error(), Err: err}
	if filter, ok := errors.AsType[*value.FilterError](err); ok {
		e.Pointer, e.Detail = filter.Pointer, filter.Detail
	}
	return e
}

func sortError(index int, err error) error {
	e := AsError(queryError("sort", err))
	e.Pointer = value.Pointer{strconv.Itoa(index), "path"}.String()
	return e
}
