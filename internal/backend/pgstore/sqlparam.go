package pgstore

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/jackc/pgx/v5/pgtype"
)

// sqlParam gives a JSON value in the text form of a parameter's type; nil is
// NULL. What the type makes of the text is for the server to say. Errors are
// for the caller.
func sqlParam(types *pgtype.Map, oid uint32, data []byte) ([]byte, error) {
	switch oid {
	case pgtype.JSONOID, pgtype.JSONBOID:
		return sqlJSONParam(data)
	case pgtype.JSONArrayOID, pgtype.JSONBArrayOID:
		return sqlArrayParam(data, sqlJSONParam)
	case pgtype.ByteaOID:
		return sqlScalarParam(data, true)
	case pgtype.ByteaArrayOID:
		return sqlNestedParam(data, true)
	}
	if known, ok := types.TypeForOID(oid); ok {
		if _, array := known.Codec.(*pgtype.ArrayCodec); !array {
			return sqlScalarParam(data, false)
		}
	}
	return sqlNestedParam(data, false)
}

// sqlJSONParam leaves a value as it is.
func sqlJSONParam(data []byte) ([]byte, error) {
	if bytes.Equal(data, []byte("null")) {
		return nil, nil
	}
	return data, nil
}

// sqlNestedParam takes arrays for arrays, however deep.
func sqlNestedParam(data []byte, isBytes bool) ([]byte, error) {
	if data[0] != '[' {
		return sqlScalarParam(data, isBytes)
	}
	return sqlArrayParam(data, func(element []byte) ([]byte, error) { return sqlNestedParam(element, isBytes) })
}

// sqlScalarParam is what is no array: a string without its quotes, anything else
// as it is written.
func sqlScalarParam(data []byte, isBytes bool) ([]byte, error) {
	if bytes.Equal(data, []byte("null")) {
		return nil, nil
	}
	if data[0] != '"' {
		if isBytes {
			return nil, errors.New("bytea is given as a base64 string")
		}
		return data, nil
	}
	text, err := jsontext.AppendUnquote(make([]byte, 0, len(data)), data)
	if err != nil || !isBytes {
		return text, err
	}
	content, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil {
		return nil, errors.New("bytea is given as a base64 string (RFC 4648, with its padding)")
	}
	return hex.AppendEncode([]byte(`\x`), content), nil
}

// sqlArrayParam writes an array as PostgreSQL's manual has it (8.15.6). Arrays
// within are not quoted, everything else is.
func sqlArrayParam(data []byte, element func([]byte) ([]byte, error)) ([]byte, error) {
	if data[0] != '[' {
		return sqlScalarParam(data, false)
	}
	var elements []jsontext.Value
	decoder := jsontext.NewDecoder(bytes.NewReader(data))
	if _, err := decoder.ReadToken(); err != nil {
		return nil, err
	}
	for decoder.PeekKind() != ']' {
		v, err := decoder.ReadValue()
		if err != nil {
			return nil, err
		}
		elements = append(elements, v.Clone())
	}
	text := []byte{'{'}
	for i, v := range elements {
		if i > 0 {
			text = append(text, ',')
		}
		converted, err := element(v)
		switch {
		case err != nil:
			return nil, err
		case converted == nil:
			text = append(text, "NULL"...)
		case v[0] == '[' && converted[0] == '{':
			text = append(text, converted...)
		default:
			text = appendArrayElement(text, converted)
		}
	}
	return append(text, '}'), nil
}

func appendArrayElement(dst, text []byte) []byte {
	dst = append(dst, '"')
	for _, c := range text {
		if c == '"' || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}
