package transfer

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"larder/api"
)

// Line is one line of a file. Import takes table, key, value, encoding,
// metadata, expires_at and deleted; it passes over what else Export tells.
type Line struct {
	Table     string            `json:"table,omitempty"`
	Key       *string           `json:"key"`
	Value     jsontext.Value    `json:"value,omitzero"`
	Encoding  api.Encoding      `json:"encoding,omitempty"`
	Metadata  map[string]string `json:"metadata,omitempty"`
	ExpiresAt *time.Time        `json:"expires_at,omitzero"`
	Deleted   bool              `json:"deleted,omitzero"`

	Version   int64      `json:"version,omitzero"`
	CreatedAt *time.Time `json:"created_at,omitzero"`
	UpdatedAt *time.Time `json:"updated_at,omitzero"`
	Cursor    string     `json:"cursor,omitempty"`
}

// ParseLine reads a line, strictly. Without a table it gets this one.
func ParseLine(data []byte, table string) (Line, error) {
	var line Line
	if err := json.Unmarshal(data, &line, json.RejectUnknownMembers(true)); err != nil {
		return Line{}, explain(err)
	}
	if line.Table == "" {
		line.Table = table
	}
	switch {
	case line.Table == "":
		return Line{}, errors.New(`there is no "table"; name one in the line, or for all with --table`)
	case line.Key == nil:
		return Line{}, errors.New(`there is no "key"`)
	case line.Deleted && line.Value != nil:
		return Line{}, errors.New(`"deleted" and "value" don't go together`)
	case !line.Deleted && line.Value == nil:
		return Line{}, errors.New(`there is no "value"; a deletion says "deleted": true`)
	case line.Encoding != "" && line.Encoding != api.EncodingJSON && line.Encoding != api.EncodingBase64:
		return Line{}, fmt.Errorf(`"encoding" is %q; it is json or base64`, line.Encoding)
	}
	return line, nil
}

// explain says in one sentence what is wrong with a line.
func explain(err error) error {
	if wrong, ok := errors.AsType[*json.SemanticError](err); ok {
		name := wrong.JSONPointer.LastToken()
		switch {
		case errors.Is(err, json.ErrUnknownName):
			return fmt.Errorf(`%q is unknown; a line has table, key, value, encoding, metadata, expires_at, deleted`, name)
		case wrong.JSONPointer == "":
			return errors.New(`not an object; a line looks like {"table": "users", "key": "ada", "value": {"name": "Ada"}}`)
		case wrong.GoType != nil && strings.HasSuffix(wrong.GoType.String(), "time.Time"):
			return fmt.Errorf(`%q is not a time, such as "2026-01-02T03:04:05Z"`, name)
		default:
			return fmt.Errorf("%q can't be %s", name, wrong.JSONKind)
		}
	}
	if wrong, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return fmt.Errorf("not JSON at byte %d: %w", wrong.ByteOffset+1, wrong.Err)
	}
	return err
}

// operation is what the line asks for.
func (l Line) operation() api.BatchOperation {
	op := api.BatchOperation{Op: api.BatchOpDelete, Table: l.Table, Key: *l.Key}
	if !l.Deleted {
		op.Op = api.BatchOpPut
		op.Value = []byte(l.Value)
		op.Encoding = l.Encoding
		op.Metadata = l.Metadata
		op.ExpiresAt = l.ExpiresAt
	}
	return op
}

// lineOf is the line for a change.
func lineOf(c api.Change) Line {
	if c.Deleted {
		return Line{Table: c.Table, Key: &c.Key, Deleted: true, Version: c.Version}
	}
	line := Line{
		Table: c.Table, Key: &c.Key, Value: jsontext.Value(c.Value), Metadata: c.Metadata,
		ExpiresAt: c.ExpiresAt, Version: c.Version, CreatedAt: c.CreatedAt, UpdatedAt: &c.UpdatedAt,
	}
	if c.Encoding != api.EncodingJSON {
		line.Encoding = c.Encoding
	}
	return line
}

// appendTo writes the line, its value untouched.
func (l Line) appendTo(out *bytes.Buffer) error {
	if err := json.MarshalWrite(out, l); err != nil {
		return err
	}
	return out.WriteByte('\n')
}
