package value

import (
	"fmt"
	"strings"
)

// Field is what of an entry a path leads into.
type Field uint8

// The fields.
const (
	FieldValue     Field = iota // the JSON value; at FieldPath.Pointer
	FieldKey                    // a string
	FieldVersion                // a number
	FieldCreatedAt              // a string in TimeLayout, as the next two
	FieldUpdatedAt
	FieldExpiresAt // null where the entry does not expire
	FieldMetadata  // a string; of FieldPath.Name
)

const metadataPrefix = "$metadata/"

var fieldNames = [...]string{
	FieldKey:       "$key",
	FieldVersion:   "$version",
	FieldCreatedAt: "$created_at",
	FieldUpdatedAt: "$updated_at",
	FieldExpiresAt: "$expires_at",
}

// FieldPath is a path of a filter or a sort, read once: a place in the value, or
// another field of the entry. The zero FieldPath is the whole value.
type FieldPath struct {
	Field   Field
	Pointer Pointer // of FieldValue
	Name    string  // of FieldMetadata
}

// FieldPathError says why a text is not a FieldPath.
type FieldPathError struct {
	Path   string
	Detail string
}

func (e *FieldPathError) Error() string { return fmt.Sprintf("path %q: %s", e.Path, e.Detail) }

// ParseFieldPath reads a JSON pointer into the value, $key, $version, $created_at,
// $updated_at, $expires_at, or $metadata/NAME, whose name is taken as it stands.
// Errors are *FieldPathError.
func ParseFieldPath(s string) (FieldPath, error) {
	path, detail := parseFieldPath(s)
	if detail != "" {
		return FieldPath{}, &FieldPathError{s, detail}
	}
	return path, nil
}

func parseFieldPath(s string) (_ FieldPath, detail string) {
	if !strings.HasPrefix(s, "$") {
		p, detail := parsePointer(s)
		return FieldPath{Pointer: p}, detail
	}
	if name, ok := strings.CutPrefix(s, metadataPrefix); ok && name != "" {
		return FieldPath{Field: FieldMetadata, Name: name}, ""
	}
	for f, name := range fieldNames {
		if s == name {
			return FieldPath{Field: Field(f)}, ""
		}
	}
	return FieldPath{}, "a path is a JSON pointer, $key, $version, $created_at, $updated_at, $expires_at or $metadata/NAME"
}

// String gives the path's text.
func (p FieldPath) String() string {
	switch p.Field {
	case FieldValue:
		return p.Pointer.String()
	case FieldMetadata:
		return metadataPrefix + p.Name
	default:
		return fieldNames[p.Field]
	}
}

// IsTime says whether the field is a time.
func (p FieldPath) IsTime() bool {
	return p.Field == FieldCreatedAt || p.Field == FieldUpdatedAt || p.Field == FieldExpiresAt
}

// isText says whether the field can only be a string, or missing or null.
func (p FieldPath) isText() bool {
	return p.Field == FieldKey || p.Field == FieldMetadata || p.IsTime()
}
