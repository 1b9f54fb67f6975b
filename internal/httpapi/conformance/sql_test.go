package conformance_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"larder/internal/httpapi"
	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/testenv/gateway"
)

// sqlModel is a model that runs whatever it is told to.
type sqlModel struct {
	*storetest.Model
	run func(q store.SQLQuery) (store.SQLAnswer, error)
}

func (m sqlModel) Info() store.Info {
	info := m.Model.Info()
	info.Capabilities = append(info.Capabilities, store.CanSQL)
	return info
}

func (m sqlModel) RunSQL(_ context.Context, q store.SQLQuery) (store.SQLAnswer, error) {
	return m.run(q)
}

func serveSQL(t *testing.T, run func(store.SQLQuery) (store.SQLAnswer, error)) *client {
	t.Helper()
	return serveStore(t, sqlModel{storetest.NewModel(storetest.ModelOptions{}), run}, gateway.Options{})
}

func TestSQL(t *testing.T) {
	var asked store.SQLQuery
	answer := store.SQLAnswer{Command: "SELECT"}
	c := serveSQL(t, func(q store.SQLQuery) (store.SQLAnswer, error) {
		asked = q
		return answer, nil
	})
	c.do("POST", "/sql", `{"sql":"select"}`).tells(`{"command":"SELECT","columns":[],"rows":[],"row_count":0,"truncated":false}`)
	if asked.Text != "select" || len(asked.Params) != 0 || asked.Writes {
		t.Errorf("it was asked %+v", asked)
	}

	answer = store.SQLAnswer{
		Command: "UPDATE", Columns: []store.SQLColumn{{Name: "n", Type: "numeric"}, {Name: "n", Type: "jsonb"}},
		Rows:  [][]byte{[]byte(`[12345678901234567890.10,{"a":null}]`), []byte(`[1e300,null]`)},
		Count: 2, Truncated: true,
	}
	c.do("POST", "/sql", `{"sql":"update","params":[null,1.50,"a",[true],{"b":1,"a":2}],"read_only":false}`).
		tells(`{"command":"UPDATE","columns":[{"name":"n","type":"numeric"},{"name":"n","type":"jsonb"}],` +
			`"rows":[[12345678901234567890.10,{"a":null}],[1e300,null]],"row_count":2,"truncated":true}`)
	var params []string
	for _, param := range asked.Params {
		params = append(params, string(param))
	}
	if got := strings.Join(params, " "); got != `null 1.5 "a" [true] {"a":2,"b":1}` || !asked.Writes {
		t.Errorf("it was asked %+v, with %s", asked, got)
	}
	c.do("POST", "/sql", `{"sql":"select","read_only":true}`).is(http.StatusOK)
	if asked.Writes {
		t.Error("it was to write")
	}
}

func TestSQLThatIsWrong(t *testing.T) {
	c := serveSQL(t, func(store.SQLQuery) (store.SQLAnswer, error) {
		return store.SQLAnswer{}, nil
	})
	for body, place := range map[string]string{
		`{}`:                                    "/sql",
		`{"sql":""}`:                            "/sql",
		`{"sql":1}`:                             "/sql",
		`{"sql":"select","parameters":[]}`:      "/parameters",
		`{"sql":"select","params":{}}`:          "/params",
		`{"sql":"select","read_only":"no"}`:     "/read_only",
		`{"sql":"select","SQL":"drop table t"}`: "/SQL",
	} {
		at(t, c.do("POST", "/sql", body).fails(http.StatusBadRequest, "invalid_body"), "pointer "+place)
	}
	for body, place := range map[string]string{
		`{"sql":"select '\u0000'"}`:               "/sql",
		"{\"sql\":\"select '\xff'\"}":             "/sql",
		`{"sql":"select","params":["\ud800"]}`:    "/params/0",
		`{"sql":"select","params":[0,1e999]}`:     "/params/1",
		`{"sql":"select 1","sql":"select 2"}`:     "/sql",
		`{"sql":"select","params":[{"a":1}]}; --`: "",
	} {
		at(t, c.do("POST", "/sql", body).fails(http.StatusBadRequest, "invalid_json"), "pointer "+place)
	}
	long := `{"sql":"` + strings.Repeat("-", store.MaxSQLBytes+1) + `"}`
	at(t, c.do("POST", "/sql", long).fails(http.StatusRequestEntityTooLarge, "too_large"), "pointer /sql")
	many := `{"sql":"select","params":` + array(store.MaxSQLParams+1, strconv.Itoa) + `}`
	at(t, c.do("POST", "/sql", many).fails(http.StatusRequestEntityTooLarge, "too_large"), "pointer /params")
	c.do("POST", "/sql", `{"sql":"select"}`, "Content-Type: text/plain").fails(http.StatusUnsupportedMediaType, "unsupported_media_type")
}

func TestSQLThatFails(t *testing.T) {
	failure := &store.Error{}
	c := serveSQL(t, func(store.SQLQuery) (store.SQLAnswer, error) { return store.SQLAnswer{}, failure })
	*failure = store.Error{Code: store.InvalidSQL, Field: "sql", Detail: "it is gibberish"}
	at(t, c.do("POST", "/sql", `{"sql":"gibberish"}`).fails(http.StatusBadRequest, "invalid_sql"), "pointer /sql")
	*failure = store.Error{Code: store.InvalidSQL, Field: "params", Pointer: "/1", Detail: "no number"}
	at(t, c.do("POST", "/sql", `{"sql":"select"}`).fails(http.StatusBadRequest, "invalid_sql"), "pointer /params/1")
	*failure = store.Error{Code: store.SQLFailed, Field: "sql", Detail: "division by zero"}
	at(t, c.do("POST", "/sql", `{"sql":"select 1/0"}`).fails(http.StatusUnprocessableEntity, "sql_failed"), "pointer /sql")
}

// TestSQLIsLoggedWithoutItsText: who ran what kind of statement is noted, what
// it said is not, since it may hold secrets.
func TestSQLIsLoggedWithoutItsText(t *testing.T) {
	c := serveSQL(t, func(q store.SQLQuery) (store.SQLAnswer, error) {
		if !q.Writes {
			return store.SQLAnswer{}, &store.Error{Code: store.SQLFailed, Detail: "no"}
		}
		return store.SQLAnswer{Command: "UPDATE", Count: 3}, nil
	})
	c.do("POST", "/sql", `{"sql":"hunter2","params":["hunter3"],"read_only":false}`, "X-Request-Id: first").is(http.StatusOK)
	c.do("POST", "/sql", `{"sql":"hunter2"}`, "X-Request-Id: second").fails(http.StatusUnprocessableEntity, "sql_failed")
	lines := strings.Join(c.Log.Lines(), "\n")
	if strings.Contains(lines, "hunter") {
		t.Errorf("the log has the statement or a parameter: %s", lines)
	}
	for _, noted := range []string{
		`"request_id":"first","read_only":false,"params":1,"command":"UPDATE","rows":3,"code":""`,
		`"request_id":"second","read_only":true,"params":0,"command":"","rows":0,"code":"sql_failed"`,
	} {
		if !strings.Contains(lines, noted) {
			t.Errorf("the log has %s, want %s", lines, noted)
		}
	}
}

// TestSQLOverHTTP runs statements for real.
func TestSQLOverHTTP(t *testing.T) {
	s := gateway.OpenPostgresSQL(t)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	c := serveStore(t, s, gateway.Options{HTTP: httpapi.Options{RequestTimeout: time.Second}})
	c.put("ada", `{"age":36.50}`)
	c.do("POST", "/sql", `{"sql":"select key, value, version from storage_entries where table_name = $1","params":["t"]}`).
		tells(`{"command":"SELECT","columns":[{"name":"key","type":"text"},{"name":"value","type":"jsonb"},{"name":"version","type":"int8"}],` +
			`"rows":[["ada",{"age":36.5},1]],"row_count":1,"truncated":false}`)
	c.do("POST", "/sql", `{"sql":"create table ages as select 1 as n","read_only":false}`).
		tells(`{"command":"SELECT","columns":[],"rows":[],"row_count":1,"truncated":false}`)
	c.do("POST", "/sql", `{"sql":"select null, 12345678901234567890.10, array[1, null], 'NaN'::float8"}`).
		tells(`{"command":"SELECT","columns":[{"name":"?column?","type":"text"},{"name":"?column?","type":"numeric"},{"name":"array","type":"int4[]"},{"name":"float8","type":"float8"}],` +
			`"rows":[[null,12345678901234567890.10,[1,null],"NaN"]],"row_count":1,"truncated":false}`)

	at(t, c.do("POST", "/sql", `{"sql":"select 1; drop table ages","read_only":false}`).fails(http.StatusBadRequest, "invalid_sql"), "pointer /sql")
	at(t, c.do("POST", "/sql", `{"sql":"select $1::int","params":["x"]}`).fails(http.StatusBadRequest, "invalid_sql"), "pointer /params/0")
	at(t, c.do("POST", "/sql", `{"sql":"delete from ages"}`).fails(http.StatusUnprocessableEntity, "sql_failed"), "pointer /sql")
	c.do("POST", "/sql", `{"sql":"select pg_sleep(600)"}`).fails(http.StatusServiceUnavailable, "timeout")
	c.do("POST", "/sql", `{"sql":"select n from ages"}`).has("Content-Type", "application/json").is(http.StatusOK)
}
