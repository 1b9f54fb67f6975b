package pgstore

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/jackc/pgx/v5/pgtype"

	"larder/internal/store"
	"larder/internal/value"
)

// errNoJSON says that a value has no form of its own in JSON, and is given as
// text.
var errNoJSON = errors.New("no JSON of its own")

// sqlForm writes a value, which came as text, as JSON. It fails where the value
// is one that JSON has nothing for.
type sqlForm func(dst, text []byte) ([]byte, error)

// sqlFormOf gives the form of a type; nil is that of text.
func sqlFormOf(oid uint32) sqlForm {
	switch oid {
	case pgtype.BoolOID:
		return sqlBool
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.OIDOID, pgtype.Float4OID, pgtype.Float8OID, pgtype.NumericOID:
		return sqlNumber
	case pgtype.JSONOID, pgtype.JSONBOID:
		return sqlJSON
	case pgtype.ByteaOID:
		return sqlBytes
	case pgtype.TimestamptzOID:
		return sqlTime("2006-01-02 15:04:05.999999Z07", time.RFC3339Nano)
	case pgtype.TimestampOID:
		return sqlTime("2006-01-02 15:04:05.999999", "2006-01-02T15:04:05.999999999")
	}
	return nil
}

// appendSQLValue writes a value in its form, and as text where that fails.
func appendSQLValue(dst, text []byte, form sqlForm) []byte {
	if text == nil {
		return append(dst, "null"...)
	}
	if form != nil {
		if written, err := form(dst, text); err == nil {
			return written
		}
	}
	return appendSQLText(dst, text)
}

// appendSQLText writes text as a string. A database in SQL_ASCII may hold what
// is no UTF-8; that is replaced.
func appendSQLText(dst, text []byte) []byte {
	quoted, _ := jsontext.AppendQuote(dst, text) // its only error is that something was replaced
	return quoted
}

func sqlBool(dst, text []byte) ([]byte, error) {
	if string(text) == "t" {
		return append(dst, "true"...), nil
	}
	return append(dst, "false"...), nil
}

// sqlNumber keeps every digit. NaN, infinities and what float64 can't hold are
// text, for most clients would stumble over them.
func sqlNumber(dst, text []byte) ([]byte, error) {
	n, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return dst, errNoJSON
	}
	return append(dst, text...), nil
}

// sqlJSON takes what json and jsonb hold, as far as it is I-JSON: json keeps
// duplicate names, and both take numbers of any size.
func sqlJSON(dst, text []byte) ([]byte, error) {
	v, err := value.Parse(append([]byte(nil), text...), value.Limits{MaxBytes: store.MaxSQLAnswerBytes, MaxDepth: maxSQLDepth})
	if err != nil {
		return dst, err
	}
	return append(dst, v.Data...), nil
}

// maxSQLDepth is how deep JSON may be, so that the answer around it is not too
// deep for those who read it.
const maxSQLDepth = 1000

func sqlBytes(dst, text []byte) ([]byte, error) {
	if len(text) < 2 || text[1] != 'x' {
		return dst, errNoJSON
	}
	content, err := hex.AppendDecode(nil, text[2:])
	if err != nil {
		return dst, err
	}
	return append(base64.StdEncoding.AppendEncode(append(dst, '"'), content), '"'), nil
}

// sqlTime turns PostgreSQL's form of ISO 8601 into that of RFC 3339. Infinities
// and years that have not four digits stay as they are.
func sqlTime(layout, as string) sqlForm {
	return func(dst, text []byte) ([]byte, error) {
		at, err := time.Parse(layout, string(text))
		if err != nil {
			return dst, err
		}
		return append(at.AppendFormat(append(dst, '"'), as), '"'), nil
	}
}
