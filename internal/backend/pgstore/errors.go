package pgstore

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"larder/internal/store"
)

// SQLSTATEs that something is made of; see appendix A of PostgreSQL's manual.
const (
	stateReadOnly            = "25006"
	stateUniqueViolation     = "23505"
	stateSerialization       = "40001"
	stateDeadlock            = "40P01"
	stateProgramLimit        = "54000"
	stateLockNotAvailable    = "55P03"
	stateQueryCanceled       = "57014"
	stateTooManyConnections  = "53300"
	stateInsufficientRights  = "42501"
	stateInvalidPassword     = "28P01"
	stateInvalidAuth         = "28000"
	stateUnknownDatabase     = "3D000"
	stateInvalidParameter    = "22023"
	classResources           = "53"
	classOperatorIntervenes  = "57P"
	classConnectionException = "08"
)

// fail makes an error of this store.
func (s *Store) fail(code store.Code, detail string, cause error) *store.Error {
	return &store.Error{Code: code, Backend: s.options.Name, Detail: detail, Err: cause}
}

// closed is what every call gets after Close.
func (s *Store) closed() *store.Error {
	return s.fail(store.Unavailable, "the store has been closed", nil)
}

// ended is what a call gets whose context ended before anything was written.
func (s *Store) ended(ctx context.Context) *store.Error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return s.fail(store.Timeout, "the deadline passed before the store came to it; nothing was written", context.Cause(ctx))
	}
	return s.fail(store.Canceled, "the caller went away", context.Cause(ctx))
}

// unknown is what a write gets of which nobody can say whether it happened.
func (s *Store) unknown(cause error) *store.Error {
	return s.fail(store.Ambiguous, "the connection to the database broke as the write was committed, and whether it was could not be found out", cause)
}

// sqlState is the code the server gave, "" where it is no server's error.
func sqlState(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// broke says whether an error is the connection's, not the server's answer: the
// connection is then of no use, and what was sent last may have been done. A
// server that shuts down says so and hangs up.
func broke(err error) bool {
	state := sqlState(err)
	return err != nil && (state == "" || strings.HasPrefix(state, classOperatorIntervenes) || strings.HasPrefix(state, classConnectionException))
}

// again says whether a transaction that failed so may be repeated as a whole:
// the server has rolled it back.
func again(err error) bool {
	switch sqlState(err) {
	case stateSerialization, stateDeadlock:
		return true
	}
	return false
}

// internal makes an error of the domain of one that came up before anything was
// committed. Errors that are the domain's already pass through.
func (s *Store) internal(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*store.Error](err); ok {
		return e
	}
	state := sqlState(err)
	switch {
	case s.isClosed():
		return s.closed()
	case state == stateQueryCanceled || errors.Is(err, context.DeadlineExceeded):
		return s.fail(store.Timeout, "the database did not answer before the deadline; nothing was written", err)
	case state == stateReadOnly:
		return s.fail(store.Unavailable, "the database takes no writes at the moment; nothing was written", err)
	case state == stateTooManyConnections || broke(err):
		return s.fail(store.Unavailable, "the database can't be reached; nothing was written", err)
	case state == "53100":
		return s.fail(store.StorageFull, "the database's disk is full; nothing was written", err)
	case again(err) || state == stateLockNotAvailable:
		return s.fail(store.Busy, "others write the same entries; nothing was written", err)
	case state == stateProgramLimit:
		return s.fail(store.TooLarge, "the value is larger than the database can store or index; nothing was written", err)
	case strings.HasPrefix(state, "22") || state == "54001":
		return s.fail(store.InvalidJSON, "the database refuses the value; nothing was written", err)
	case strings.HasPrefix(state, classResources):
		return s.fail(store.Unavailable, "the database has run out of resources; nothing was written", err)
	}
	return s.fail(store.Internal, "the database failed", err)
}

// connectError says, to the operator, why there is no connection.
func (s *Store) connectError(err error) error {
	detail := "the database can't be reached; check that it runs and that the URL's host and port are right"
	switch sqlState(err) {
	case stateInvalidPassword, stateInvalidAuth:
		detail = "the database refuses the user or the password in the URL"
	case stateUnknownDatabase:
		detail = "there is no such database; create it, or correct the URL's path"
	case stateInsufficientRights:
		detail = "the URL's user may not connect to this database"
	case stateTooManyConnections:
		detail = "the server has no connection left; lower LARDER_POSTGRES_MAX_CONNECTIONS, or raise the server's max_connections"
	}
	return s.fail(store.Unavailable, detail, hideURL(err))
}

// hideURL keeps an error's kind and leaves out texts that may show a URL with a
// password in it.
func hideURL(err error) error {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e
	}
	if parse, ok := errors.AsType[*pgconn.ParseConfigError](err); ok {
		return errors.New(strings.ReplaceAll(parse.Error(), parse.ConnString, "the URL"))
	}
	return err
}
