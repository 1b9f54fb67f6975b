package pgstore

import (
	"context"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"larder/internal/store"
)

// sqlColumn is a column of an answer, and how its values are written.
type sqlColumn struct {
	store.SQLColumn
	form sqlForm
}

// sqlAnswer gathers an answer within its bounds.
type sqlAnswer struct {
	columns   []sqlColumn
	keep      bool // the statement is to be finished, whatever is over its bounds
	rows      [][]byte
	size      int
	truncated bool
	tag       pgconn.CommandTag
}

// take takes in a row. It is false where no more are wanted.
func (a *sqlAnswer) take(values [][]byte) bool {
	if a.truncated || len(a.rows) == store.MaxSQLRows {
		a.truncated = true
		return a.keep
	}
	row := []byte{'['}
	for i, text := range values {
		if i > 0 {
			row = append(row, ',')
		}
		row = appendSQLValue(row, text, a.columns[i].form)
	}
	row = append(row, ']')
	if a.size += len(row); a.size > store.MaxSQLAnswerBytes {
		a.truncated = true
		return a.keep
	}
	a.rows = append(a.rows, row)
	return true
}

// finish gives the answer. Where it was cut short the server has not said what
// the statement was, and its first word has to do.
func (a *sqlAnswer) finish(text string) store.SQLAnswer {
	answer := store.SQLAnswer{
		Command: strings.TrimRight(a.tag.String(), " 0123456789"), Rows: a.rows,
		Count: int64(len(a.rows)), Truncated: a.truncated,
	}
	for _, c := range a.columns {
		answer.Columns = append(answer.Columns, c.SQLColumn)
	}
	if len(a.columns) == 0 {
		answer.Count = a.tag.RowsAffected()
	}
	if answer.Command == "" {
		answer.Command = sqlKeyword(text)
	}
	return answer
}

// columns says what the columns are. Types that are not built in are looked up.
func (x *sqlSession) columns(ctx context.Context, fields []pgconn.FieldDescription) ([]sqlColumn, error) {
	var unknown []string
	columns := make([]sqlColumn, len(fields))
	for i, f := range fields {
		columns[i] = sqlColumn{SQLColumn: store.SQLColumn{Name: strings.ToValidUTF8(f.Name, "\uFFFD")}, form: sqlFormOf(f.DataTypeOID)}
		known, ok := x.types.TypeForOID(f.DataTypeOID)
		if !ok {
			unknown = append(unknown, strconv.FormatUint(uint64(f.DataTypeOID), 10))
			continue
		}
		columns[i].Type = known.Name
		if array, ok := known.Codec.(*pgtype.ArrayCodec); ok {
			columns[i].Type = array.ElementType.Name + "[]"
			if f.DataTypeOID != pgtype.BoxArrayOID { // its elements are not parted by commas
				columns[i].form = sqlArray(sqlFormOf(array.ElementType.OID))
			}
		}
	}
	if unknown == nil {
		return columns, nil
	}
	found, err := x.lookUpTypes(ctx, unknown)
	if err != nil {
		return nil, err
	}
	for i, f := range fields {
		if t, ok := found[f.DataTypeOID]; ok && columns[i].Type == "" {
			columns[i].Type, columns[i].form = t.Type, t.form
		}
	}
	return columns, nil
}

// sqlTypes asks what types are called, and of arrays what they are arrays of.
const sqlTypes = `select t.oid, t.typname, e.oid, e.typname
from pg_catalog.pg_type t left join pg_catalog.pg_type e on e.oid = t.typelem and e.typarray = t.oid
where t.oid = any ($1::oid[])`

func (x *sqlSession) lookUpTypes(ctx context.Context, oids []string) (map[uint32]sqlColumn, error) {
	list := []byte("{" + strings.Join(oids, ",") + "}")
	result := x.conn.ExecParams(ctx, sqlTypes, [][]byte{list}, nil, nil, nil).Read()
	if result.Err != nil {
		return nil, x.store.sqlError(ctx, x.query, result.Err)
	}
	found := make(map[uint32]sqlColumn, len(result.Rows))
	for _, row := range result.Rows {
		oid, err := strconv.ParseUint(string(row[0]), 10, 32)
		if err != nil {
			return nil, x.store.internal(err)
		}
		c := sqlColumn{SQLColumn: store.SQLColumn{Type: string(row[1])}}
		if row[2] != nil {
			c.Type, c.form = string(row[3])+"[]", sqlArray(nil)
		}
		found[uint32(oid)] = c
	}
	return found, nil
}
