package value

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestParseFilter(t *testing.T) {
	text := `{"or": [{"path": "/a", "op": "eq", "value": 1.0}, {"not": {"and": [{"path": "", "op": "exists"}]}}, {"path":"/b","op":"eq","value":null}]}`
	want := Filter{Or: []Filter{
		{Path: "/a", Op: "eq", Value: []byte("1")},
		{Not: &Filter{And: []Filter{{Path: "", Op: "exists"}}}},
		{Path: "/b", Op: "eq", Value: []byte("null")},
	}}
	if got, err := ParseFilter([]byte(text), Limits{}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestParseFilterRefuses(t *testing.T) {
	for text, pointer := range map[string]string{
		``:                     "",
		`{`:                    "",
		`[]`:                   "",
		`null`:                 "",
		`{}`:                   "",
		`{"and":[]}`:           "/and",
		`{"or":{}}`:            "/or",
		`{"and":[1]}`:          "/and/0",
		`{"not":[]}`:           "/not",
		`{"not":null}`:         "/not",
		`{"path":"/a"}`:        "",
		`{"op":"eq"}`:          "",
		`{"value":1}`:          "",
		`{"path":1,"op":"eq"}`: "/path",
		`{"path":"/a","op":1}`: "/op",
		`{"path":"/a","op":"eq","value":1,"and":[{"path":"/a","op":"exists"}]}`:        "",
		`{"and":[{"path":"/a","op":"exists"}],"or":[{"path":"/a","op":"exists"}]}`:     "",
		`{"and":[{"path":"/a","op":"exists"}],"value":1}`:                              "",
		`{"path":"/a","op":"eq","value":1,"case":true}`:                                "/case",
		`{"Path":"/a","op":"eq","value":1}`:                                            "/Path",
		`{"not":{"not":{"path":"/a","opp":"eq"}}}`:                                     "/not/not/opp",
		`{"and":[{"path":"/a","op":"exists"},{"path":"/a","op":"exists","values":1}]}`: "/and/1/values",
		`{"path":"/a","op":"eq","value":1,"value":2}`:                                  "/value",
		`{"path":"/a","op":"eq","value":{"x":[1e999]}}`:                                "/value/x/0",
		`{"path":"","op":""}`:                     "",
		`{"` + strings.Repeat("x", 2000) + `":1}`: "",
	} {
		f, err := ParseFilter([]byte(text), Limits{})
		refused, ok := errors.AsType[*FilterError](err)
		if !ok || refused.Pointer != pointer || refused.Detail == "" {
			t.Errorf("%.100s: %+v, %v, want an error at %q", text, f, err, pointer)
		}
	}
	_, err := ParseFilter([]byte(`{"path":"/a","op":"eq","value":"123456789"}`), Limits{MaxBytes: 10})
	if _, ok := errors.AsType[*TooLargeError](err); !ok {
		t.Error(err)
	}
}

func TestParseShort(t *testing.T) {
	for text, want := range map[string]Filter{
		"/age:gte:18":                           {Path: "/age", Op: "gte", Value: []byte("18")},
		"/a:eq: 1.0 ":                           {Path: "/a", Op: "eq", Value: []byte("1")},
		"/a:eq:1.0.0":                           {Path: "/a", Op: "eq", Value: []byte(`"1.0.0"`)},
		"/a:eq:01":                              {Path: "/a", Op: "eq", Value: []byte(`"01"`)},
		"/a:eq:say \"x\"":                       {Path: "/a", Op: "eq", Value: []byte(`"say \"x\""`)},
		"/a:eq:tRUE":                            {Path: "/a", Op: "eq", Value: []byte(`"tRUE"`)},
		"/a:is_null":                            {Path: "/a", Op: "is_null"},
		"/a:exists":                             {Path: "/a", Op: "exists"},
		":exists":                               {Path: "", Op: "exists"},
		"/url:prefix:https://x:80/":             {Path: "/url", Op: "prefix", Value: []byte(`"https://x:80/"`)},
		"/zip:like:10":                          {Path: "/zip", Op: "like", Value: []byte(`"10"`)},
		"/zip:like:\"10\"":                      {Path: "/zip", Op: "like", Value: []byte(`"10"`)},
		"$key:eq:true":                          {Path: "$key", Op: "eq", Value: []byte(`"true"`)},
		"$metadata/a:in:[\"1\"]":                {Path: "$metadata/a", Op: "in", Value: []byte(`["1"]`)},
		"$version:eq:1":                         {Path: "$version", Op: "eq", Value: []byte("1")},
		"$created_at:gte:2024-01-01T00:00:00Z":  {Path: "$created_at", Op: "gte", Value: []byte(`"2024-01-01T00:00:00Z"`)},
		"/:weird::ne:x":                         {Path: "/:weird:", Op: "ne", Value: []byte(`"x"`)},
		"/a:contains:" + strings.Repeat("[", 9): {Path: "/a", Op: "contains", Value: []byte(`"[[[[[[[[["`)},
	} {
		if got, err := ParseShort(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v with %s, %v", text, got, got.Value, err)
		}
	}
	for _, text := range []string{"", "/a", "/a:", "/a:foo:1", "/a=1", "a:eq:1", "/~:eq:1", "$nothing:eq:1", "/a:eq", "/a:gt", "/a:EQ:1", "$metadata/:eq:1"} {
		if f, err := ParseShort(text); !errors.As(err, new(*FilterError)) {
			t.Errorf("%q: %+v, %v", text, f, err)
		}
	}
}
