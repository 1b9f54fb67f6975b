package store_test

import (
	"errors"
	"strings"
	"testing"

	"larder/internal/store"
)

func TestSQLQueryValidate(t *testing.T) {
	for name, c := range map[string]struct {
		query store.SQLQuery
		code  store.Code
		field string
	}{
		"sound":           {query: store.SQLQuery{Text: "select $1", Params: [][]byte{[]byte("1")}}},
		"as long as may":  {query: store.SQLQuery{Text: strings.Repeat(" ", store.MaxSQLBytes)}},
		"too long":        {store.SQLQuery{Text: strings.Repeat(" ", store.MaxSQLBytes+1)}, store.TooLarge, "sql"},
		"NUL":             {store.SQLQuery{Text: "select '\x00'"}, store.InvalidSQL, "sql"},
		"no UTF-8":        {store.SQLQuery{Text: "select '\xff'"}, store.InvalidSQL, "sql"},
		"too many params": {store.SQLQuery{Params: make([][]byte, store.MaxSQLParams+1)}, store.TooLarge, "params"},
	} {
		err := c.query.Validate()
		if store.CodeOf(err) != c.code {
			t.Errorf("%s: got %v, want %q", name, err, c.code)
		}
		if e, ok := errors.AsType[*store.Error](err); ok && (e.Field != c.field || e.Detail == "") {
			t.Errorf("%s: got %+v", name, e)
		}
	}
}
