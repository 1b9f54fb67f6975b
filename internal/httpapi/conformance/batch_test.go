package conformance_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"larder/api"
	"larder/internal/testenv/gateway"
)

func TestBatches(t *testing.T) {
	c := serve(t, gateway.Options{})
	c.put("ada", `{"n":1}`)
	c.put("hits", `41`)
	operations := `[
		{"op":"put","table":"t","key":"new","value":[1],"ttl_seconds":60,"metadata":{"a":"b"},"if_absent":true},
		{"op":"patch","table":"t","key":"ada","patch_type":"merge","patch":{"n":2},"if_version":1},
		{"op":"increment","table":"t","key":"hits","delta":1},
		{"op":"expire","table":"t","key":"gone","ttl_seconds":60},
		{"op":"delete","table":"t","key":"none"},
		{"op":"check","table":"t","key":"bob","if_exists":true},
		{"op":"get","table":"t","key":"bob"},
		{"op":"get","table":"u","key":"k"}]`
	statuses := func(a *answer) string {
		a.Helper()
		var got []string
		for _, r := range decode[api.BatchResponse](a.is(http.StatusOK)).Results {
			got = append(got, strconv.Itoa(r.Status))
			if (r.Error != nil) != (r.Status >= 400) || r.Error != nil && r.Error.Status != r.Status {
				t.Errorf("%+v", r)
			}
		}
		return strings.Join(got, " ")
	}
	body := func(more string) string { return `{` + more + `"operations":` + operations + `}` }

	p := c.do("POST", "/batch", body(`"atomic":true,`)).fails(http.StatusConflict, "batch_failed")
	at(t, p, "pointer /operations/3, pointer /operations/5")
	if p.Errors[0].Code != "not_found" || p.Errors[1].Code != "not_found" {
		t.Errorf("the errors are %+v", p.Errors)
	}
	c.do("GET", "/tables/t/keys/new", "").fails(http.StatusNotFound, "not_found")

	const each = "201 200 200 404 204 412 404 404"
	if got := statuses(c.do("POST", "/batch", body(`"dry_run":true,`))); got != each {
		t.Errorf("dry: %s", got)
	}
	c.do("GET", "/tables/t/keys/new", "").fails(http.StatusNotFound, "not_found")
	if got := statuses(c.do("POST", "/batch", body(""))); got != each {
		t.Errorf("each: %s", got)
	}
	c.do("GET", "/tables/t/keys/hits", "").holds(`42`)
	if got := statuses(c.do("POST", "/batch", body(""))); got != "412 412 200 404 204 412 404 404" {
		t.Errorf("again: %s", got)
	}
	r := decode[api.BatchResponse](c.do("POST", "/batch", `{"operations":[{"op":"increment","table":"t","key":"hits","delta":1},{"op":"get","table":"t","key":"ada"},{"op":"delete","table":"t","key":"ada"},{"op":"get","table":"t","key":"ada"}]}`)).Results
	if string(r[0].Value) != `44` || r[0].Entry != nil || r[1].Entry == nil || r[2].Version != 3 || r[3].Status != 404 {
		t.Errorf("results %+v", r)
	}
}

func TestOperationsThatMakeNoSense(t *testing.T) {
	c := serve(t, gateway.Options{})
	c.put("k", `{"n":1}`)
	for operation, want := range map[string]string{
		`{"op":"get","table":"t","key":"k","value":1}`:                                            "invalid_operation /value",
		`{"op":"get","table":"t","key":"k","ttl_seconds":1}`:                                      "invalid_operation /ttl_seconds",
		`{"op":"delete","table":"t","key":"k","delta":1}`:                                         "invalid_operation /delta",
		`{"op":"increment","table":"t","key":"k","delta":1,"metadata":{}}`:                        "invalid_operation /metadata",
		`{"op":"increment","table":"t","key":"k"}`:                                                "invalid_operation /delta",
		`{"op":"patch","table":"t","key":"k","patch":{}}`:                                         "invalid_patch /patch",
		`{"op":"patch","table":"t","key":"k","patch_type":"xml","patch":{}}`:                      "invalid_patch /patch",
		`{"op":"patch","table":"t","key":"k","patch_type":"merge"}`:                               "invalid_patch /patch",
		`{"op":"put","table":"t","key":"k"}`:                                                      "invalid_operation /value",
		`{"op":"put","table":"t","key":"k","value":"a","encoding":"base64"}`:                      "invalid_body /value",
		`{"op":"put","table":"t","key":"k","value":1,"ttl_seconds":0}`:                            "invalid_ttl /ttl_seconds",
		`{"op":"put","table":"t","key":"k","value":1,"metadata":{"A":"b"}}`:                       "invalid_metadata /metadata",
		`{"op":"expire","table":"t","key":"k"}`:                                                   "invalid_ttl /ttl_seconds",
		`{"op":"check","table":"t","key":"k"}`:                                                    "invalid_operation ",
		`{"op":"fly","table":"t","key":"k"}`:                                                      "invalid_operation /op",
		`{"table":"t","key":"k"}`:                                                                 "invalid_operation /op",
		`{"op":"get","table":"t"}`:                                                                "invalid_key /key",
		`{"op":"get","key":"k"}`:                                                                  "invalid_table /table",
		`{"op":"get","table":"_tables","key":"k"}`:                                                "invalid_table /table",
		`{"op":"get","table":"t","key":".."}`:                                                     "invalid_key /key",
		`{"op":"put","table":"t","key":"k","value":1,"if_version":0}`:                             "invalid_operation /if_version",
		`{"op":"put","table":"t","key":"k","value":1,"if_absent":true,"if_exists":true}`:          "invalid_operation ",
		`{"op":"patch","table":"t","key":"k","patch_type":"json","patch":[{"op":"x","path":""}]}`: "invalid_patch /patch/0/op",
	} {
		code, pointer, _ := strings.Cut(want, " ")
		good := `{"op":"put","table":"t","key":"other","value":1}`
		p := c.do("POST", "/batch", `{"atomic":true,"operations":[`+good+`,`+operation+`]}`).fails(http.StatusBadRequest, code)
		at(t, p, "pointer /operations/1"+pointer)
		c.do("GET", "/tables/t/keys/other", "").fails(http.StatusNotFound, "not_found")

		if pointer == "/op" { // what can't be told apart can't be done each by itself
			p := c.do("POST", "/batch", `{"operations":[`+good+`,`+operation+`]}`).fails(http.StatusBadRequest, code)
			at(t, p, "pointer /operations/1/op")
			continue
		}
		r := decode[api.BatchResponse](c.do("POST", "/batch", `{"dry_run":true,"operations":[`+good+`,`+operation+`]}`).is(http.StatusOK)).Results
		if r[0].Status != http.StatusCreated || r[1].Status != http.StatusBadRequest || r[1].Error.Code != code {
			t.Errorf("%s came to %+v", operation, r[1])
			continue
		}
		if len(r[1].Error.Errors) > 0 {
			at(t, r[1].Error, "pointer /operations/1"+pointer)
		} else if pointer != "" {
			t.Errorf("%s points nowhere", operation)
		}
	}
	c.do("GET", "/tables/t/keys/k", "").holds(`{"n":1}`)
}
