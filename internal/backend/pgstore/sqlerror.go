package pgstore

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"larder/internal/store"
)

// maxSQLMessage bounds what is told of the server's words, in bytes: they may
// quote a value of any size.
const maxSQLMessage = 1000

// sqlError makes an error of the domain of what went wrong before anything was
// committed. The server's words about the caller's own text are the caller's;
// whatever is the server's own trouble is not, nor does it get into the log,
// since it may quote values.
func (s *Store) sqlError(ctx context.Context, q store.SQLQuery, err error) error {
	if _, ok := errors.AsType[*pgproto3.ExceededMaxBodyLenErr](err); ok {
		return s.fail(store.SQLFailed, "a row is larger than an answer may be; nothing was written", nil)
	}
	reply, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case s.isClosed():
		return s.closed()
	case ctx.Err() != nil:
		return s.ended(ctx)
	case !ok || broke(err):
		return s.fail(store.Unavailable, "the connection to the database broke; nothing was written", sqlCause(err))
	}
	class := reply.Code[:min(2, len(reply.Code))]
	switch class {
	case "XX", "58", "F0", "53": // the server's own trouble
		return s.internal(sqlCause(err))
	}
	switch {
	case reply.Code == stateQueryCanceled:
		return s.fail(store.Timeout, "the statement takes longer than the request may; nothing was written", sqlCause(err))
	case again(err) || reply.Code == stateLockNotAvailable:
		return s.fail(store.Busy, "others got in the statement's way; nothing was written", sqlCause(err))
	}
	failure := &store.Error{Code: store.SQLFailed, Backend: s.options.Name, Field: "sql", Detail: sqlDetail(q, reply)}
	switch class {
	case "42", "0A", "26", "34": // syntax and names; features; cursors and statements that are not there
		if reply.Code != stateInsufficientRights {
			failure.Code = store.InvalidSQL
		}
	case "22": // data
		if i, ok := sqlParameterOf(reply); ok {
			failure.Code, failure.Field, failure.Pointer = store.InvalidSQL, "params", "/"+strconv.Itoa(i)
		}
	}
	return failure
}

// sqlCause is what the operator is told: the SQLSTATE, without the words.
func sqlCause(err error) error {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return &pgconn.PgError{Severity: e.Severity, Code: e.Code, Message: "its words are left out"}
	}
	return hideURL(err)
}

// sqlDetail is what the server says, with its code and the place.
func sqlDetail(q store.SQLQuery, e *pgconn.PgError) string {
	detail := strings.ToValidUTF8(e.Message, "\uFFFD")
	if len(detail) > maxSQLMessage {
		detail = strings.ToValidUTF8(detail[:maxSQLMessage], "") + "…"
	}
	detail += " (SQLSTATE " + e.Code
	if e.Position > 0 {
		detail += ", at character " + strconv.Itoa(int(e.Position))
	}
	detail += ")"
	if e.Code == stateReadOnly && !q.Writes {
		detail += "; read_only has to be false for that"
	}
	return detail
}

// sqlParameterOf finds which parameter an error is about: the server says so in
// English only, whichever language it speaks else being the operator's choice.
func sqlParameterOf(e *pgconn.PgError) (int, bool) {
	_, rest, found := strings.Cut(e.Where, "portal parameter $")
	if !found {
		return 0, false
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(rest)
	}
	n, err := strconv.Atoi(rest[:end])
	return n - 1, err == nil && n > 0
}
