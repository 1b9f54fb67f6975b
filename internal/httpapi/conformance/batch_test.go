package conformance_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"larder/api"
	"larder/internal/store"
	"larder/internal/store/storetest"
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

// TestBatchesOverSlots: what can't be done at one moment is refused by name,
// and done where that was not asked for.
func TestBatchesOverSlots(t *testing.T) {
	s := &storetest.Slotted{Model: storetest.NewModel(storetest.ModelOptions{})}
	c := serveStore(t, s, gateway.Options{})
	keys := []string{"0"}
	for i := 1; len(keys) < 4; i++ { // the first and the third together, the others elsewhere
		key := strconv.Itoa(i)
		if together := s.Slot(store.Ref{Key: key}) == s.Slot(store.Ref{Key: keys[0]}); together == (len(keys) == 2) {
			keys = append(keys, key)
		}
	}
	operations := `{"op":"put","table":"t","key":"` + keys[0] + `","value":1},
		{"op":"put","table":"t","key":"` + keys[1] + `","value":1,"if_exists":true},
		{"op":"put","table":"t","key":"` + keys[2] + `","value":1},
		{"op":"get","table":"t","key":"` + keys[3] + `"}`
	for _, more := range []string{"", `"dry_run":true,`} {
		a := c.do("POST", "/batch", `{"atomic":true,`+more+`"operations":[`+operations+`]}`)
		p := a.fails(http.StatusConflict, "cross_slot")
		at(t, p, "pointer /operations/1/key, pointer /operations/3/key")
		if p.Retryable || p.Detail == "" || p.Errors[0].Code != "cross_slot" || p.Errors[1].Code != "cross_slot" || p.Errors[0].Detail == "" {
			t.Errorf("the problem is %+v", p)
		}
	}
	c.do("GET", "/tables/t/keys/"+keys[0], "").fails(http.StatusNotFound, "not_found")

	got := decode[api.BatchResponse](c.do("POST", "/batch", `{"operations":[`+operations+`]}`).is(http.StatusOK)).Results
	for i, status := range []int{http.StatusCreated, http.StatusPreconditionFailed, http.StatusCreated, http.StatusNotFound} {
		if got[i].Status != status {
			t.Errorf("operation %d came to %+v, want %d", i, got[i], status)
		}
	}
	together := `{"atomic":true,"operations":[{"op":"delete","table":"t","key":"` + keys[0] + `"},{"op":"delete","table":"t","key":"` + keys[2] + `"}]}`
	c.do("POST", "/batch", together).is(http.StatusOK)

	c.fill(1200)
	if n := decode[api.DeletedCount](c.do("DELETE", "/tables/t/keys?confirm=t", "").is(http.StatusOK)).Deleted; n != 1200 {
		t.Errorf("%d keys were deleted, want 1200", n)
	}
	c.fill(3)
	c.do("DELETE", "/tables/t?confirm=t", "").is(http.StatusNoContent)
	c.do("PUT", "/tables/t/indexes/by_email", `{"fields":[{"path":"/email","type":"string"}],"unique":true}`).fails(http.StatusNotImplemented, "unsupported")
	c.do("PUT", "/tables/t/indexes/by_email", `{"fields":[{"path":"/email","type":"string"}]}`).is(http.StatusCreated)
}
