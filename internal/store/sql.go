package store

import (
	"context"
	"strconv"
	"strings"
	"unicode/utf8"
)

// SQLRunner runs statements that a caller wrote, in the engine's own language.
// Who runs them, and so what they may do, is for the engine's grants to say.
type SQLRunner interface {
	// RunSQL runs one statement in a transaction of its own, on a connection
	// that nothing else uses. It fails with InvalidSQL where the engine can't
	// make sense of the statement or a parameter, and with SQLFailed where the
	// statement fails for what it meets; Detail then holds the engine's own
	// words about the caller's text. Unavailable where as many statements run
	// as may run at once. Nothing is written where it fails, save that with
	// Ambiguous this is not known.
	RunSQL(ctx context.Context, q SQLQuery) (SQLAnswer, error)
}

// Bounds of a statement and its answer.
const (
	MaxSQLBytes       = 64 << 10 // of the statement's text
	MaxSQLParams      = 1000
	MaxSQLRows        = 1000
	MaxSQLAnswerBytes = 8 << 20 // of all rows as JSON
)

// SQLQuery is a statement to run.
type SQLQuery struct {
	Text string // one statement, its parameters written $1, $2, …
	// Params are canonical JSON, one for each parameter. null is SQL's NULL,
	// an array goes to an array, a base64 string to bytes; where a parameter
	// is JSON itself it takes the value as it is.
	Params [][]byte
	Writes bool // it may write, and is committed
}

// SQLAnswer is what a statement gave.
type SQLAnswer struct {
	Command string      // which kind of statement it was: "SELECT", "UPDATE", …
	Columns []SQLColumn // none where the statement gives no rows
	// Rows are JSON arrays, a value for each column: numbers exactly, JSON as
	// itself, times as RFC 3339, bytes in base64, arrays as arrays, what JSON
	// has nothing for as the engine's text. At most MaxSQLRows and
	// MaxSQLAnswerBytes of them.
	Rows [][]byte
	// Count is how many rows the statement gave or changed; where Truncated,
	// how many are here.
	Count     int64
	Truncated bool // there were more rows
}

// SQLColumn is one column of an answer.
type SQLColumn struct {
	Name string
	Type string // as the engine calls it: "int8", "jsonb", "text[]"
}

// Validate checks what can be known without the engine. Errors are *Error.
func (q SQLQuery) Validate() error {
	wrong := func(code Code, field, detail string) error {
		return &Error{Code: code, Field: field, Detail: detail}
	}
	switch {
	case len(q.Text) > MaxSQLBytes:
		return wrong(TooLarge, "sql", "a statement has at most "+strconv.Itoa(MaxSQLBytes)+" bytes")
	case !utf8.ValidString(q.Text) || strings.ContainsRune(q.Text, 0):
		return wrong(InvalidSQL, "sql", "a statement is UTF-8 without NUL")
	case len(q.Params) > MaxSQLParams:
		return wrong(TooLarge, "params", "a statement has at most "+strconv.Itoa(MaxSQLParams)+" parameters")
	}
	return nil
}
