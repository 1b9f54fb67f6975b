package pgstore

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"larder/internal/store"
)

// sqlStatement is the statement's name in its session. It has one so that what
// is asked in between does not replace it.
const sqlStatement = "larder_sql"

// prepare has the server parse the statement, and gives what its columns are
// and its parameters in the server's form. The extended protocol takes no second
// statement in the same text.
func (x *sqlSession) prepare(ctx context.Context) ([]sqlColumn, [][]byte, error) {
	x.busy = true
	described, err := x.conn.Prepare(ctx, sqlStatement, x.query.Text, nil)
	if err != nil {
		return nil, nil, x.store.sqlError(ctx, x.query, err)
	}
	x.busy = false
	if given, wanted := len(x.query.Params), len(described.ParamOIDs); given != wanted {
		detail := fmt.Sprintf("the statement has %d parameters, and %d are given", wanted, given)
		return nil, nil, &store.Error{Code: store.InvalidSQL, Field: "params", Detail: detail}
	}
	params := make([][]byte, len(described.ParamOIDs))
	for i, oid := range described.ParamOIDs {
		if params[i], err = sqlParam(x.types, oid, x.query.Params[i]); err != nil {
			return nil, nil, &store.Error{Code: store.InvalidSQL, Field: "params", Pointer: fmt.Sprintf("/%d", i), Detail: err.Error()}
		}
	}
	columns, err := x.columns(ctx, described.Fields)
	return columns, params, err
}

// execute runs the prepared statement and takes in its rows, no more than an
// answer holds and one. It speaks the protocol itself, since the bound on rows
// and a refusal of COPY are to be had only there (PostgreSQL's manual, 55.2.3).
func (x *sqlSession) execute(ctx context.Context, params [][]byte, answer *sqlAnswer) error {
	x.busy = true
	front := x.conn.Frontend()
	front.SendBind(&pgproto3.Bind{PreparedStatement: sqlStatement, Parameters: params})
	front.SendExecute(&pgproto3.Execute{MaxRows: store.MaxSQLRows + 1})
	front.SendSync(&pgproto3.Sync{})
	if err := x.flush(ctx); err != nil {
		return x.store.sqlError(ctx, x.query, err)
	}
	for {
		message, err := x.conn.ReceiveMessage(ctx)
		if err != nil {
			return x.store.sqlError(ctx, x.query, err)
		}
		switch m := message.(type) {
		case *pgproto3.ReadyForQuery:
			x.busy = false
			return nil
		case *pgproto3.ErrorResponse:
			x.busy = false
			return x.store.sqlError(ctx, x.query, pgconn.ErrorResponseToPgError(m))
		case *pgproto3.DataRow:
			if more := answer.take(m.Values); !more {
				return nil // x is busy still, and what the server goes on with is canceled
			}
		case *pgproto3.CommandComplete:
			answer.tag = pgconn.NewCommandTag(string(m.CommandTag))
		case *pgproto3.PortalSuspended:
			answer.truncated = true
		case *pgproto3.EmptyQueryResponse:
			return invalidSQL("there is no statement")
		case *pgproto3.CopyInResponse, *pgproto3.CopyOutResponse, *pgproto3.CopyBothResponse:
			return invalidSQL("COPY is not run here")
		}
	}
}

// flush sends what is queued, for as long as ctx lasts.
func (x *sqlSession) flush(ctx context.Context) error {
	at, bounded := ctx.Deadline()
	if bounded {
		if err := x.conn.Conn().SetWriteDeadline(at); err != nil {
			return err
		}
	}
	return x.conn.Frontend().Flush()
}

func invalidSQL(detail string) error {
	return &store.Error{Code: store.InvalidSQL, Field: "sql", Detail: detail}
}

// checkSQLCommand refuses what the protocol has no answer for. It is no wall: a
// function may do as much, where the grants let it.
func checkSQLCommand(text string) error {
	switch sqlKeyword(text) {
	case "":
		return invalidSQL("there is no statement")
	case "COPY":
		return invalidSQL("COPY is not run here")
	}
	return nil
}

// sqlKeyword is the word a statement begins with, in capitals: what follows
// white space, comments, which nest, and empty statements. Where the statement
// begins with something else it is that one character.
func sqlKeyword(text string) string {
	for {
		text = strings.TrimLeft(text, " \t\n\r\f\v;")
		switch {
		case strings.HasPrefix(text, "--"):
			text = text[len(text)-len(strings.TrimLeftFunc(text, func(r rune) bool { return r != '\n' && r != '\r' })):]
		case strings.HasPrefix(text, "/*"):
			text = afterComment(text)
		default:
			end := strings.IndexFunc(text, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '_' })
			switch {
			case end < 0:
				end = len(text)
			case end == 0:
				_, end = utf8.DecodeRuneInString(text)
			}
			return strings.ToUpper(text[:end])
		}
	}
}

func afterComment(text string) string {
	depth := 0
	for i := 0; i+1 < len(text); i++ {
		switch text[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			i++
			if depth--; depth == 0 {
				return text[i+1:]
			}
		}
	}
	return ""
}
