package sortedindex

import (
	"errors"
	"testing"

	"larder/internal/store"
	"larder/internal/value"
)

func TestTooExpensive(t *testing.T) {
	const (
		none  = "the query would look at more than 200 entries; compare a field with a string or a number, and an index on that field would help"
		begin = "the query would look at more than 200 entries; an index on "
	)
	for _, test := range []struct {
		filter value.Filter
		want   string
	}{
		{value.Filter{}, none},
		{is("/age", value.OpGt, "200"), begin + "/age (number) would help"},
		{is("/a~1b/0", value.OpEq, `"x"`), begin + "/a~1b/0 (string) would help"},
		{and(is("/text", value.OpLike, `"x%"`), is("/email", value.OpPrefix, `"nobody"`)), begin + "/email (string) would help"},
		{and(is("/age", value.OpNe, "1"), and(is("/flag", value.OpEq, "true"))), begin + "/flag (boolean) would help"},
		{is("/age", value.OpIn, "[1,2]"), begin + "/age (number) would help"},
		{is("/age", value.OpIn, `[1,"2"]`), none},
		{is("/text", value.OpLike, `"x%"`), none},
		{is("/gone", value.OpEq, "null"), none},
		{is("$key", value.OpEq, `"x"`), none},
		{value.Filter{Or: []value.Filter{is("/age", value.OpEq, "1"), is("/age", value.OpEq, "2")}}, none},
	} {
		q, err := store.Query{Table: "t", Filter: test.filter, Budget: 200}.Compile(store.Limits{})
		if err != nil {
			t.Fatalf("%+v: %v", test.filter, err)
		}
		e := TooExpensive(q)
		if !errors.Is(e, store.QueryTooExpensive) || e.Ref.Table != "t" || e.Field != "filter" || e.Detail != test.want {
			t.Errorf("%+v: got %+v, want %q", test.filter, e, test.want)
		}
	}
}
