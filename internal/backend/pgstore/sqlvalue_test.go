package pgstore

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgtype"
)

// TestSQLValues: what values of PostgreSQL are in JSON.
func TestSQLValues(t *testing.T) {
	f := openSQL(t)
	f.run(writing("create type mood as enum ('sad', 'so so')"))
	f.run(writing("create domain small as numeric check (value < 10)"))
	for expression, want := range map[string]string{
		"null":                         `null`,
		"true":                         `true`,
		"1 = 2":                        `false`,
		"9223372036854775807":          `9223372036854775807`,
		"-1::int2":                     `-1`,
		"12345678901234567890.1234500": `12345678901234567890.1234500`,
		"0.1::float8 + 0.2::float8":    `0.30000000000000004`,
		"1e300::float8":                `1e+300`,
		"'NaN'::numeric":               `"NaN"`,
		"'-infinity'::float8":          `"-Infinity"`,
		"1e400::numeric / 1e399":       `10.0000000000000000`,
		"power(10::numeric, 309) > 0":  `true`,
		"5::small":                     `5`,
		"''":                           `""`,
		`E'\t"\\é\u2028'`:              "\"\\t\\\"\\\\é\u2028\"",
		"'a'::name":                    `"a"`,
		"'so so'::mood":                `"so so"`,
		`'{"b": 1.50, "a": [null, "\u00e9"]}'::jsonb`:    `{"a":[null,"é"],"b":1.5}`,
		`'12345678901234567890'::jsonb`:                  `12345678901234567890`,
		`'{"a":1,"a":2}'::json`:                          `"{\"a\":1,\"a\":2}"`,
		`'1e999'::json`:                                  `"1e999"`,
		`'"\u0000"'::json`:                               `"\"\\u0000\""`,
		`' {"b": 1 , "a" :2}'::json`:                     `{"a":2,"b":1}`,
		`'\x00ff'::bytea`:                                `"AP8="`,
		`''::bytea`:                                      `""`,
		"'2026-01-02 03:04:05.60+02'::timestamptz":       `"2026-01-02T01:04:05.6Z"`,
		"'2026-01-02 03:04:05.123456'::timestamp":        `"2026-01-02T03:04:05.123456"`,
		"'infinity'::timestamptz":                        `"infinity"`,
		"'0044-03-15 12:00+00 BC'::timestamptz":          `"0044-03-15 12:00:00+00 BC"`,
		"'12026-01-02 03:04:05+00'::timestamptz":         `"12026-01-02 03:04:05+00"`,
		"'2026-01-02'::date":                             `"2026-01-02"`,
		"'03:04'::time":                                  `"03:04:00"`,
		"'1 day 02:00'::interval":                        `"P1DT2H"`,
		"'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid":   `"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"`,
		"'127.0.0.1/8'::inet":                            `"127.0.0.1/8"`,
		"row(1, 'a')":                                    `"(1,a)"`,
		"int4range(1, 3)":                                `"[1,3)"`,
		"'pg_type'::regclass":                            `"pg_type"`,
		"'{}'::int[]":                                    `[]`,
		"array[1, null, 3]":                              `[1,null,3]`,
		"array[[1, 2], [3, 4]]":                          `[[1,2],[3,4]]`,
		"'[2:3]={1,2}'::int[]":                           `[1,2]`,
		`array['a,b', '{}', '"\', 'NULL', '', null]`:     `["a,b","{}","\"\\","NULL","",null]`,
		"array['sad', 'so so']::mood[]":                  `["sad","so so"]`,
		`array['{"a": [1]}', 'null']::jsonb[]`:           `[{"a":[1]},null]`,
		`array['\x00', null]::bytea[]`:                   `["AA==",null]`,
		"array['2026-01-02 03:04:05+00']::timestamptz[]": `["2026-01-02T03:04:05Z"]`,
		"array[true, false]":                             `[true,false]`,
		"array['(1,1),(0,0)', '(2,2),(0,0)']::box[]":     `"{(1,1),(0,0);(2,2),(0,0)}"`,
		"array[point '(1,2)']":                           `["(1,2)"]`,
		"array[5]::small[]":                              `["5"]`,
		"'1 2'::int2vector":                              `"1 2"`,
		"array[row(1, 'a b')]":                           `["(1,\"a b\")"]`,
	} {
		if got := f.only(reading("select " + expression)); got != "["+want+"]" {
			t.Errorf("%s: got %s, want %s", expression, got, want)
		}
	}
	answer := f.run(reading("select 1 as n, 1 as n, array['sad']::mood[], 'sad'::mood, '{}'::int8[], now(), 5::small, row(1)"))
	var types []string
	for _, c := range answer.Columns {
		types = append(types, c.Name+" "+c.Type)
	}
	want := []string{"n int4", "n int4", "array mood[]", "mood mood", "int8 int8[]", "now timestamptz", "small numeric", "row record"}
	for i := range want {
		if types[i] != want[i] {
			t.Errorf("column %d is %s, want %s", i, types[i], want[i])
		}
	}
}

// TestSQLParams: what JSON is as a parameter of each type.
func TestSQLParams(t *testing.T) {
	f := openSQL(t)
	f.run(writing("create type mood as enum ('sad', 'so so')"))
	for _, c := range []struct{ expression, param, want string }{
		{"$1::text", `null`, `null`},
		{"$1::text", `"it's \"so\" \\ é\n"`, `"it's \"so\" \\ é\n"`},
		{"$1::text", `12.50`, `"12.50"`},
		{"$1::text", `[1,"a"]`, `"[1,\"a\"]"`},
		{"$1::text", `{"a":null}`, `"{\"a\":null}"`},
		{"$1::int8", `9223372036854775807`, `9223372036854775807`},
		{"$1::int8", `"7"`, `7`},
		{"$1::numeric", `12345678901234567890.125`, `12345678901234567890.125`},
		{"$1::bool", `true`, `true`},
		{"$1::timestamptz", `"2026-01-02T03:04:05.6Z"`, `"2026-01-02T03:04:05.6Z"`},
		{"$1::bytea", `"AP8="`, `"AP8="`},
		{"$1::bytea", `null`, `null`},
		{"$1::bytea[]", `["AP8=",null,""]`, `["AP8=",null,""]`},
		{"$1::jsonb", `{"a":[1,null]}`, `{"a":[1,null]}`},
		{"$1::jsonb", `"text"`, `"text"`},
		{"$1::jsonb", `null`, `null`},
		{"$1::json", `[]`, `[]`},
		{"$1::jsonb[]", `[{"a":"\"\\,"},[1,2],"x",null]`, `[{"a":"\"\\,"},[1,2],"x",null]`},
		{"$1::text[]", `["a,b","{}","\"\\","NULL","",null,1,true]`, `["a,b","{}","\"\\","NULL","",null,"1","true"]`},
		{"$1::text[]", `[]`, `[]`},
		{"$1::text[]", `null`, `null`},
		{"$1::text[]", `"{a,b}"`, `["a","b"]`},
		{"$1::int[]", `[[1,2],[3,4]]`, `[[1,2],[3,4]]`},
		{"$1::mood", `"so so"`, `"so so"`},
		{"$1::mood[]", `["sad","so so"]`, `["sad","so so"]`},
		{"2 = any ($1::int[])", `[1,2]`, `true`},
	} {
		if got := f.only(reading("select "+c.expression, c.param)); got != "["+c.want+"]" {
			t.Errorf("%s of %s: got %s, want %s", c.expression, c.param, got, c.want)
		}
	}
}

// FuzzSQLArray: whatever text comes, the form is JSON or fails, and what a
// parameter is written as is read back.
func FuzzSQLArray(f *testing.F) {
	for _, text := range []string{`{}`, `{1,NULL,"a\"b"}`, `{{1,2},{3,4}}`, `[2:3]={1,2}`, `{"`, `{"\`, `{a`, `{,}`, `{}}`, `[=`, `{{}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		written, err := sqlArray(nil)(nil, []byte(text))
		if err != nil || strings.ContainsRune(text, 0) { // which PostgreSQL's texts have not
			return
		}
		back, err := sqlNestedParam(written, false)
		if err != nil {
			t.Fatalf("%q is written as %s, which is no parameter: %v", text, written, err)
		}
		again, err := sqlArray(nil)(nil, back)
		if err != nil || string(again) != string(written) {
			t.Fatalf("%q: %s, and then %s, %v", text, written, again, err)
		}
	})
}

func TestSQLKeyword(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "",
		" ;; \n":                       "",
		"select 1":                     "SELECT",
		"SeLeCt":                       "SELECT",
		"(select 1)":                   "(",
		"-- a\n/* b /* c */ -- */copy": "COPY",
		"--a\rcopy t":                  "COPY",
		"/**/copy":                     "COPY",
		"/*/ copy */ table t":          "TABLE",
		"/* copy":                      "",
		"--":                           "",
		"1":                            "1",
		"é":                            "É",
	} {
		if got := sqlKeyword(text); got != want {
			t.Errorf("%q begins with %q, want %q", text, got, want)
		}
	}
	if _, err := sqlParam(pgtype.NewMap(), pgtype.ByteaOID, []byte(`"a"`)); err == nil {
		t.Error("base64 without its padding is taken")
	}
}
