package conformance_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/testenv/gateway"
)

const keyPath = "/tables/t/keys/k"

func TestDotSegmentsAreRefusedAndNeverRedirected(t *testing.T) {
	c := serve(t, gateway.Options{})
	for _, dots := range []string{"..", ".", "%2e%2e", "%2E%2e", "%2e", ".%2e"} {
		for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "PATCH"} {
			for _, rest := range []string{"", "/entry"} {
				if rest != "" && method != "GET" && method != "PUT" {
					continue
				}
				w := c.dial().send(method+" /tables/t/keys/"+dots+rest+" HTTP/1.1", "Host: larder", "Connection: close", "Content-Type: application/json", "Content-Length: 2", "", "{}")
				resp, err := http.ReadResponse(w.in, &http.Request{Method: method})
				if err != nil {
					t.Fatal(err)
				}
				a := c.read(method+" "+dots+rest, resp).is(http.StatusBadRequest).has("Location", "")
				if method != "HEAD" {
					a.fails(http.StatusBadRequest, "invalid_key")
				}
			}
		}
	}
}

func TestPrefixesAreLiteral(t *testing.T) {
	c := serve(t, gateway.Options{})
	for _, key := range []string{"a%25x", "a_x", "a*x", "a%3Fx", "abx", "axx"} {
		c.put(key, `1`)
	}
	for prefix, want := range map[string]string{"a%25": "a%x", "a_": "a_x", "a*": "a*x", "a%3F": "a?x"} {
		for _, list := range []string{"/tables/t/keys?keys_only=true&prefix=", "/tables/t/changes?prefix="} {
			page := decode[struct{ Items []struct{ Key string } }](c.do("GET", list+prefix, "").is(http.StatusOK))
			if len(page.Items) != 1 || page.Items[0].Key != want {
				t.Errorf("%s%s gave %v", list, prefix, page.Items)
			}
		}
	}
	if c.do("DELETE", "/tables/t/keys?prefix=a_", "").tells(`{"deleted":1}`); c.do("GET", "/tables/t/keys/abx", "").status != http.StatusOK {
		t.Error("a_ was taken for a pattern")
	}
}

func TestValuesThatAreNotIJSON(t *testing.T) {
	deep := strings.Repeat("[", 129) + strings.Repeat("]", 129)
	values := map[string]struct{ text, pointer string }{
		"a duplicate name":         {`{"a":1,"a":2}`, "/a"},
		"a duplicate name, nested": {`{"x":[{"b":1,"c":{"d":1,"d":1}}]}`, "/x/0/c/d"},
		"a duplicate by escape":    {`{"a":1,"\u0061":2}`, "/a"},
		"NUL":                      {`["\u0000"]`, "/0"},
		"NUL in a name":            {`{"a\u0000":1}`, ""},
		"a lone surrogate":         {`{"s":"\ud800"}`, "/s"},
		"a low surrogate":          {`["\udc00"]`, "/0"},
		"bad UTF-8":                {"{\"s\":\"\xff\"}", "/s"},
		"an encoded surrogate":     {"[\"\xed\xa0\x80\"]", "/0"},
		"too deep":                 {deep, strings.Repeat("/0", 128)},
		"trailing data":            {`{} {}`, ""},
		"a trailing comma":         {`[1,]`, ""},
		"a BOM":                    {"\ufeff1", ""},
		"a number too large":       {`{"n":1e400}`, "/n"},
		"a number too small":       {`[-1e999]`, "/0"},
		"not a number":             {`NaN`, ""},
		"nothing":                  {` `, ""},
		"half a value":             {`{"a":`, ""},
		"a comment":                {`{} // x`, ""},
	}
	c := serve(t, gateway.Options{})
	c.put("k", `{}`)
	for what, v := range values {
		t.Run(what, func(t *testing.T) {
			raw := c.do("PUT", keyPath, v.text).fails(http.StatusBadRequest, "invalid_json")
			if len(raw.Errors) != 1 || raw.Errors[0].Pointer == nil || !strings.HasPrefix(*raw.Errors[0].Pointer, v.pointer) {
				t.Errorf("raw: %+v, want %q", raw.Errors, v.pointer)
			}
			envelopes := map[string][2]string{
				"entry": {"/tables/t/keys/k/entry", `{"value":` + v.text + `}`},
				"batch": {"/batch", `{"operations":[{"op":"put","table":"t","key":"k","value":` + v.text + `}]}`},
			}
			if what == "nothing" || what == "half a value" {
				delete(envelopes, "batch") // not of the value alone
			}
			for name, e := range envelopes {
				method := map[string]string{"entry": "PUT", "batch": "POST"}[name]
				if p := c.do(method, e[0], e[1]); p.status == http.StatusOK && what == "trailing data" {
					t.Errorf("%s took %s", name, v.text)
				} else if p.status != http.StatusBadRequest && (name != "batch" || !strings.Contains(p.body, `"status":400`)) {
					t.Errorf("%s: %d %s", name, p.status, p.body)
				}
			}
			if patch := c.do("PATCH", keyPath, v.text, "Content-Type: application/merge-patch+json"); what == "too deep" {
				patch.fails(http.StatusConflict, "patch_conflict") // a patch that deep could as well remove
			} else {
				patch.fails(http.StatusBadRequest, "invalid_json")
			}
			c.do("GET", keyPath, "").holds(`{}`)
		})
	}
}

func TestLargeIntegersAreKept(t *testing.T) {
	c := serve(t, gateway.Options{})
	for _, n := range []string{"9007199254740993", "-9007199254740993", "18446744073709551617", "-18446744073709551617"} {
		c.put("k", n)
		c.do("GET", keyPath, "").holds(n)
		c.do("PUT", "/tables/t/keys/k/entry", `{"value":[`+n+`]}`)
		c.do("GET", keyPath, "").holds("[" + n + "]")
	}
}

func TestBodiesThatAreTooLarge(t *testing.T) {
	c := serveStore(t, limited(store.Limits{MaxValueBytes: 100}), gateway.Options{})
	c.put("k", `"`+strings.Repeat("x", 98)+`"`)
	large := `"` + strings.Repeat("x", 99) + `"`
	c.do("PUT", keyPath, large).fails(http.StatusRequestEntityTooLarge, "too_large")
	c.do("PUT", keyPath, large, "Content-Type: application/octet-stream").fails(http.StatusRequestEntityTooLarge, "too_large")
	c.do("PUT", keyPath+"/entry", `{"value":`+large+`}`).fails(http.StatusRequestEntityTooLarge, "too_large")
	c.do("PUT", keyPath+"/entry", `{"encoding":"base64","value":"`+strings.Repeat("AAAA", 34)+`"}`).fails(http.StatusRequestEntityTooLarge, "too_large")
	c.do("PATCH", keyPath, large, "Content-Type: application/merge-patch+json").fails(http.StatusRequestEntityTooLarge, "too_large")
	p := c.do("POST", "/batch", `{"atomic":true,"operations":[{"op":"get","table":"t","key":"k"},{"op":"put","table":"t","key":"x","value":`+large+`}]}`).fails(http.StatusRequestEntityTooLarge, "too_large")
	at(t, p, "pointer /operations/1/value")
	// a length that is not said beforehand
	w := c.dial().send("PUT "+keyPath+" HTTP/1.1", "Host: larder", "Content-Type: application/json", "Transfer-Encoding: chunked", "", "65", large[:101], "0", "", "")
	w.answer().ends().fails(http.StatusRequestEntityTooLarge, "too_large")
	// a client that sends all of it before it listens gets to hear
	w = c.dial().send("PUT "+keyPath+" HTTP/1.1", "Host: larder", "Content-Type: application/json", "Content-Length: 8388608", "", strings.Repeat("x", 8<<20))
	w.answer().ends().fails(http.StatusRequestEntityTooLarge, "too_large")
	// one that is a lie: refused before any of it has come
	w = c.dial().send("PUT "+keyPath+" HTTP/1.1", "Host: larder", "Content-Type: application/json", "Content-Length: 1000000000", "", "")
	w.answer().fails(http.StatusRequestEntityTooLarge, "too_large")
}

func TestEnvelopesThatAreTooLarge(t *testing.T) {
	c := serve(t, streaming(httpOptions(200)))
	c.do("POST", "/batch", `{"operations":[{"op":"get","table":"t","key":"`+strings.Repeat("k", 200)+`"}]}`).fails(http.StatusRequestEntityTooLarge, "too_large")
}

func TestSlowBodies(t *testing.T) {
	c := serve(t, gateway.Options{ReadTimeout: 100 * time.Millisecond})
	w := c.dial().send("PUT "+keyPath+" HTTP/1.1", "Host: larder", "Content-Type: application/json", "Content-Length: 10", "", "123")
	w.answer().ends().fails(http.StatusRequestTimeout, "slow_request")
	w.closed()
	w = c.dial().send("POST /batch HTTP/1.1", "Host: larder", "Content-Type: application/json", "Transfer-Encoding: chunked", "", "3", "{\"o")
	w.answer().fails(http.StatusRequestTimeout, "slow_request")
	w.closed()
}

func TestBadChunks(t *testing.T) {
	c := serve(t, gateway.Options{})
	for _, chunk := range []string{"zz", "-1", "5 5", "ffffffffffffffffff"} {
		w := c.dial().send("PUT "+keyPath+" HTTP/1.1", "Host: larder", "Content-Type: application/json", "Transfer-Encoding: chunked", "", chunk, "12345", "0", "", "")
		w.answer().fails(http.StatusBadRequest, "invalid_body")
		w.closed()
	}
	c.do("GET", keyPath, "").fails(http.StatusNotFound, "not_found")
}

func TestBodiesThatEndEarly(t *testing.T) {
	c := serve(t, gateway.Options{})
	w := c.dial().send("PUT "+keyPath+" HTTP/1.1", "Host: larder", "Content-Type: application/json", "Content-Length: 10", "", "123")
	if err := w.conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	w.answer().fails(http.StatusBadRequest, "invalid_body")
	c.do("GET", keyPath, "").fails(http.StatusNotFound, "not_found")
}

func TestTwoLengths(t *testing.T) {
	c := serve(t, gateway.Options{})
	for _, first := range []bool{true, false} {
		lengths := []string{"Content-Length: 4", "Transfer-Encoding: chunked"}
		if !first {
			lengths[0], lengths[1] = lengths[1], lengths[0]
		}
		// on a connection that has been used before, too
		w := c.dial().send("GET /livez HTTP/1.1", "Host: larder", "", "")
		w.answer().is(http.StatusOK)
		w.send("PUT "+keyPath+" HTTP/1.1", "Host: larder", "Content-Type: application/json", lengths[0], lengths[1], "", "1", "1", "0", "", "GET /livez HTTP/1.1", "Host: larder", "", "")
		at(t, w.answer().ends().fails(http.StatusBadRequest, "invalid_header"), "header Content-Length")
		w.closed()
	}
	c.do("GET", keyPath, "").fails(http.StatusNotFound, "not_found")
}

func TestHeadsThatAreTooLarge(t *testing.T) {
	c := serve(t, gateway.Options{})
	w := c.dial().send("GET /livez HTTP/1.1", "Host: larder", "X-Long: "+strings.Repeat("x", 15<<10), "", "")
	w.answer().is(http.StatusOK)
	w = c.dial().send("GET /livez HTTP/1.1", "Host: larder", "X-Long: "+strings.Repeat("x", 17<<10), "", "")
	resp, err := http.ReadResponse(w.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge || !resp.Close {
		t.Errorf("%s, the connection ends: %v", resp.Status, resp.Close)
	}
}

func TestWrongTypes(t *testing.T) {
	c := serve(t, gateway.Options{})
	c.put("k", `{}`)
	for _, r := range []struct{ method, path, takes string }{
		{"PUT", keyPath, "Accept: application/json, application/octet-stream"},
		{"PUT", keyPath + "/entry", "Accept: application/json"},
		{"PATCH", keyPath, "Accept-Patch: application/merge-patch+json, application/json-patch+json"},
		{"POST", keyPath + "/increment", "Accept-Post: application/json"},
		{"POST", "/batch", "Accept-Post: application/json"},
		{"POST", "/tables/t/query", "Accept-Post: application/json"},
		{"PUT", "/tables/t", "Accept: application/json"},
		{"PUT", "/tables/t/indexes/i", "Accept: application/json"},
		{"POST", "/maintenance", "Accept-Post: application/json"},
	} {
		header, types, _ := strings.Cut(r.takes, ": ")
		for _, sent := range []string{"text/plain", "application/xml", "application/json; charset=latin1", "nonsense", "application/x-www-form-urlencoded"} {
			a := c.do(r.method, r.path, `{}`, "Content-Type: "+sent)
			p := a.has(header, types).fails(http.StatusUnsupportedMediaType, "unsupported_media_type")
			at(t, p, "header Content-Type")
			if hint := strings.Contains(p.Detail, "curl"); hint != strings.Contains(sent, "form") {
				t.Errorf("%s as %s: %s", r.path, sent, p.Detail)
			}
		}
		a := c.do(r.method, r.path, `{}`, "Content-Encoding: gzip")
		at(t, a.fails(http.StatusUnsupportedMediaType, "unsupported_media_type"), "header Content-Encoding")
	}
	for _, sent := range []string{"application/json; charset=utf-8", "application/json;charset=UTF-8", "Application/JSON"} {
		c.put("k", `1`, "Content-Type: "+sent)
	}
	c.do("PATCH", keyPath, `{}`, "Content-Type: application/json").fails(http.StatusUnsupportedMediaType, "unsupported_media_type")
}

func TestBadEntityTags(t *testing.T) {
	c := serve(t, gateway.Options{})
	c.put("k", `{"n":1}`)
	for _, tag := range []string{`""`, `7`, `W/"1"`, `"x"`, `"1`, `1"`, `"01"`, `"-1"`, `"0"`, `"1" "2"`, `*, "1"`, ``, `,`, `"9223372036854775808"`, `'1'`} {
		for _, r := range [][2]string{{"PUT", ""}, {"PATCH", ""}, {"DELETE", ""}, {"PUT", "/entry"}, {"POST", "/increment"}, {"PUT", "/expiry"}, {"DELETE", "/expiry"}, {"GET", ""}, {"GET", "/entry"}} {
			body := map[string]string{"PUT": `1`, "PATCH": `{}`, "PUT/entry": `{"value":1}`, "POST/increment": `{"delta":1,"path":"/n"}`, "PUT/expiry": `{"ttl_seconds":60}`}[r[0]+r[1]]
			contentType := "Content-Type: application/json"
			if r[0] == "PATCH" {
				contentType = "Content-Type: application/merge-patch+json"
			}
			at(t, c.do(r[0], keyPath+r[1], body, contentType, "If-Match: "+tag).fails(http.StatusBadRequest, "invalid_header"), "header If-Match")
		}
		if tag != `*, "1"` {
			at(t, c.do("PUT", keyPath, `1`, "If-None-Match: "+tag).fails(http.StatusBadRequest, "invalid_header"), "header If-None-Match")
		}
	}
	c.do("GET", keyPath, "").holds(`{"n":1}`).has("ETag", `"1"`)
}

func TestBadTTLs(t *testing.T) {
	c := serve(t, gateway.Options{})
	for _, query := range []string{
		"ttl_seconds=0", "ttl_seconds=-1", "ttl_seconds=315360001", "ttl_seconds=9223372036854775807",
		"expires_at=2001-01-01T00:00:00Z", "expires_at=2999-01-01T00:00:00Z", "expires_at=0001-01-01T00:00:00Z",
		"ttl_seconds=60&expires_at=2030-01-01T00:00:00Z", "ttl_seconds=60&keep_ttl=true",
	} {
		p := c.do("PUT", keyPath+"?"+query, `1`).fails(http.StatusBadRequest, "invalid_ttl")
		if len(p.Errors) != 1 || p.Errors[0].Parameter == "" {
			t.Errorf("%s: %+v", query, p.Errors)
		}
	}
	for _, query := range []string{"ttl_seconds=1.5", "ttl_seconds=x", "ttl_seconds=", "ttl_seconds=9223372036854775808", "expires_at=soon", "expires_at=2030-01-01", "keep_ttl=yes"} {
		c.do("PUT", keyPath+"?"+query, `1`).fails(http.StatusBadRequest, "invalid_parameter")
	}
	for body, place := range map[string]string{
		`{"value":1,"ttl_seconds":0}`:                                      "pointer /ttl_seconds",
		`{"value":1,"ttl_seconds":-5}`:                                     "pointer /ttl_seconds",
		`{"value":1,"ttl_seconds":315360001}`:                              "pointer /ttl_seconds",
		`{"value":1,"expires_at":"2001-01-01T00:00:00Z"}`:                  "pointer /expires_at",
		`{"value":1,"ttl_seconds":60,"expires_at":"2030-01-01T00:00:00Z"}`: "pointer /ttl_seconds",
	} {
		at(t, c.do("PUT", keyPath+"/entry", body).fails(http.StatusBadRequest, "invalid_ttl"), place)
	}
	c.do("GET", keyPath, "").fails(http.StatusNotFound, "not_found")
	c.put("k", `1`)
	for _, body := range []string{`{}`, `{"ttl_seconds":0}`, `{"ttl_seconds":60,"expires_at":"2030-01-01T00:00:00Z"}`, `{"expires_at":"2001-01-01T00:00:00Z"}`} {
		c.do("PUT", keyPath+"/expiry", body).fails(http.StatusBadRequest, "invalid_ttl")
	}
	c.put("k?ttl_seconds=315360000", `1`)
}

func TestForgedCursors(t *testing.T) {
	c := serve(t, gateway.Options{})
	for i := range 5 {
		c.put(name(i), `1`)
	}
	cursor := decode[struct {
		Next string `json:"next_cursor"`
	}](c.do("GET", "/tables/t/keys?limit=2", "")).Next
	since := decode[struct {
		Next string `json:"next_cursor"`
	}](c.do("GET", "/tables/t/changes?limit=2", "")).Next
	for path, place := range map[string]string{
		"/tables/t/keys?cursor=x":                             "parameter cursor",
		"/tables/t/keys?cursor=" + cursor + "A":               "parameter cursor",
		"/tables/t/keys?cursor=" + cursor[1:]:                 "parameter cursor",
		"/tables/t/keys?prefix=k&cursor=" + cursor:            "parameter cursor",
		"/tables/t/keys?reverse=true&cursor=" + cursor:        "parameter cursor",
		"/tables/t/keys?filter=/a:eq:1&cursor=" + cursor:      "parameter cursor",
		"/tables/other/keys?cursor=" + cursor:                 "parameter cursor",
		"/tables?cursor=" + cursor:                            "parameter cursor",
		"/tables/t/changes?since=" + cursor:                   "parameter since",
		"/tables/t/changes?since=" + since + "A":              "parameter since",
		"/tables/t/changes?prefix=k&since=" + since:           "parameter since",
		"/tables/other/changes?since=" + since:                "parameter since",
		"/tables/t/keys?cursor=" + since:                      "parameter cursor",
		"/tables/t/keys?cursor=" + strings.Repeat("A", 4<<10): "parameter cursor",
	} {
		at(t, c.do("GET", path, "").fails(http.StatusBadRequest, "invalid_cursor"), place)
	}
	at(t, c.do("POST", "/tables/t/query", `{"cursor":"`+cursor+`"}`).fails(http.StatusBadRequest, "invalid_cursor"), "pointer /cursor")
	at(t, c.do("GET", "/tables/t/changes", "", "Accept: text/event-stream", "Last-Event-ID: "+cursor).fails(http.StatusBadRequest, "invalid_cursor"), "header Last-Event-ID")
	c.do("GET", "/tables/t/keys?limit=1&keys_only=true&cursor="+cursor, "").is(http.StatusOK) // how much of it, not which
}

func TestCursorsPastRetention(t *testing.T) {
	clock := storetest.NewClock()
	c := serveStore(t, storetest.NewModel(storetest.ModelOptions{Clock: clock.Now, Retention: store.Retention{Tombstones: time.Hour}}), gateway.Options{})
	c.put("a", `1`)
	since := decode[struct {
		Next string `json:"next_cursor"`
	}](c.do("GET", "/tables/t/changes", "")).Next
	c.do("DELETE", "/tables/t/keys/a", "").is(http.StatusNoContent)
	clock.Advance(2 * time.Hour)
	c.maintain("cleanup")
	c.do("GET", "/tables/t/changes?since="+since, "").fails(http.StatusGone, "compacted")
	events := c.do("GET", "/tables/t/changes?since="+since, "", "Accept: text/event-stream").is(http.StatusOK)
	if !strings.HasSuffix(events.body, "event: resync\ndata: {}\n\n") {
		t.Errorf("the stream ends with %q", events.body)
	}
}

func TestBatchesThatAreWrong(t *testing.T) {
	c := serve(t, gateway.Options{})
	get := func(i int) string { return `{"op":"get","table":"t","key":"` + name(i) + `"}` }
	c.do("POST", "/batch", `{"atomic":true,"operations":`+array(1000, get)+`}`).is(http.StatusOK)
	for _, atomic := range []string{"true", "false"} {
		p := c.do("POST", "/batch", `{"atomic":`+atomic+`,"operations":`+array(1001, get)+`}`).fails(http.StatusRequestEntityTooLarge, "too_many_operations")
		at(t, p, "pointer /operations")
		c.do("POST", "/batch", `{"atomic":`+atomic+`,"operations":[]}`).fails(http.StatusBadRequest, "invalid_operation")
	}
	put := `{"op":"put","table":"t","key":"k","value":1}`
	p := c.do("POST", "/batch", `{"atomic":true,"operations":[`+put+`,`+put+`,{"op":"get","table":"t","key":"k"}]}`).fails(http.StatusBadRequest, "duplicate_key")
	at(t, p, "pointer /operations/1/key, pointer /operations/2/key")
	c.do("GET", keyPath, "").fails(http.StatusNotFound, "not_found")
	c.do("POST", "/batch", `{"operations":[`+put+`,`+put+`]}`).is(http.StatusOK)
	c.do("GET", keyPath, "").has("ETag", `"2"`)
	p = c.do("POST", "/batch", `{"dry_run":true,"operations":[`+put+`,`+put+`]}`).fails(http.StatusBadRequest, "duplicate_key")
	at(t, p, "pointer /operations/1/key")
}
