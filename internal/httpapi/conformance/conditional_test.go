package conformance_test

import (
	"net/http"
	"strings"
	"testing"

	"larder/api"
	"larder/internal/testenv/gateway"
)

// TestConditionalReads goes through RFC 9110, section 13.2.2, for an entry at
// version 3 and for none.
func TestConditionalReads(t *testing.T) {
	c := serve(t, gateway.Options{})
	for range 3 {
		c.put("k", `1`)
	}
	for _, r := range []struct {
		match, none    string
		there, missing int // status where the entry is, and where it is not
	}{
		{"", "", 200, 404},
		{`"3"`, "", 200, 412},
		{`"2"`, "", 412, 412},
		{`*`, "", 200, 412},
		{`"1", "3"`, "", 200, 412},
		{`"1" ,	"2"`, "", 412, 412},
		{`"1",,"3",`, "", 200, 412},
		{"", `"3"`, 304, 404},
		{"", `"2"`, 200, 404},
		{"", `*`, 304, 404},
		{"", `W/"3"`, 304, 404}, // weak comparison, section 13.1.2
		{"", `W/"2", W/"3"`, 304, 404},
		{"", `"1", "2"`, 200, 404},
		{`"3"`, `"3"`, 304, 412},
		{`"3"`, `"2"`, 200, 412},
		{`"2"`, `"3"`, 412, 412}, // If-Match goes first
		{`*`, `*`, 304, 412},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			for _, rest := range []string{"", "/entry"} {
				headers := []string{}
				if r.match != "" {
					headers = append(headers, "If-Match: "+r.match)
				}
				if r.none != "" {
					headers = append(headers, "If-None-Match: "+r.none)
				}
				a := c.do(method, "/tables/t/keys/k"+rest, "", headers...).is(r.there)
				if r.there < 400 {
					a.has("ETag", `"3"`).has("Larder-Version", "3")
				}
				if (r.there == http.StatusNotModified || method == "HEAD") && a.body != "" {
					t.Errorf("%s has a body: %s", a.what, a.body)
				}
				c.do(method, "/tables/t/keys/none"+rest, "", headers...).is(r.missing)
			}
		}
	}
	// in lines of their own
	c.do("GET", "/tables/t/keys/k", "", `If-None-Match: "1"`, `If-None-Match: "3"`).is(http.StatusNotModified)
	c.do("GET", "/tables/t/keys/k", "", `If-Match: "1"`, `If-Match: "2"`).fails(http.StatusPreconditionFailed, "version_mismatch")
	// dates are too coarse to be evaluated on a read, and are not relied on
	c.do("GET", "/tables/t/keys/k", "", "If-Modified-Since: Sat, 01 Jan 2050 00:00:00 GMT").is(http.StatusOK)
}

func TestConditionalWrites(t *testing.T) {
	c := serve(t, gateway.Options{})
	type write struct{ method, rest, body, contentType string }
	writes := []write{
		{"PUT", "", `{"n":1}`, "application/json"},
		{"PUT", "/entry", `{"value":{"n":1}}`, "application/json"},
		{"PATCH", "", `{"n":2}`, "application/merge-patch+json"},
		{"POST", "/increment", `{"delta":1,"path":"/n"}`, "application/json"},
		{"PUT", "/expiry", `{"ttl_seconds":60}`, "application/json"},
		{"DELETE", "/expiry", "", ""},
		{"DELETE", "", "", ""},
	}
	for _, w := range writes {
		t.Run(w.method+w.rest, func(t *testing.T) {
			do := func(key string, headers ...string) *answer {
				if w.body != "" {
					headers = append(headers, "Content-Type: "+w.contentType)
				}
				return c.do(w.method, "/tables/t/keys/"+key+w.rest, w.body, headers...)
			}
			version := strings.Trim(c.put("k", `{"n":0}`).header.Get("ETag"), `"`)
			p := do("k", `If-Match: "999"`).fails(http.StatusPreconditionFailed, "version_mismatch")
			if p.CurrentVersion == 0 || p.Entry != nil {
				t.Errorf("the problem shows version %d and %v", p.CurrentVersion, p.Entry)
			}
			p = do("k", `If-Match: "999"`, "Prefer: return=representation").fails(http.StatusPreconditionFailed, "version_mismatch")
			if p.Entry == nil || string(p.Entry.Value) != `{"n":0}` {
				t.Errorf("the problem shows %v", p.Entry)
			}
			do("none", `If-Match: "1"`).fails(http.StatusPreconditionFailed, "not_found")
			do("none", `If-Match: *`).fails(http.StatusPreconditionFailed, "not_found")
			do("k", `If-None-Match: *`).fails(http.StatusPreconditionFailed, "already_exists")
			at(t, do("k", `If-None-Match: "7"`).fails(http.StatusBadRequest, "invalid_header"), "header If-None-Match")
			at(t, do("k", `If-None-Match: *`, `If-Match: *`).fails(http.StatusBadRequest, "invalid_header"), "header If-None-Match")
			at(t, do("k", "If-Unmodified-Since: Sat, 01 Jan 2050 00:00:00 GMT").fails(http.StatusBadRequest, "invalid_header"), "header If-Unmodified-Since")
			c.do("GET", "/tables/t/keys/k", "").holds(`{"n":0}`).has("ETag", `"`+version+`"`)
			if a := do("k", `If-Match: "999", "`+version+`"`); a.status != http.StatusOK && a.status != http.StatusNoContent {
				t.Errorf("%s: %d %s", a.what, a.status, a.body)
			}
			c.put("k", `{"n":0}`)
			if a := do("k", `If-Match: *`); a.status != http.StatusOK && a.status != http.StatusNoContent {
				t.Errorf("%s: %d %s", a.what, a.status, a.body)
			}
		})
	}
	c.do("PUT", "/tables/t/keys/fresh", `1`, "If-None-Match: *").is(http.StatusCreated).has("Location", "/tables/t/keys/fresh")
}

func TestMinVersion(t *testing.T) {
	c := serve(t, gateway.Options{})
	c.put("k", `1`)
	for _, rest := range []string{"", "/entry"} {
		c.do("GET", "/tables/t/keys/k"+rest, "", "Larder-Min-Version: 1").is(http.StatusOK)
		p := c.do("GET", "/tables/t/keys/k"+rest, "", "Larder-Min-Version: 2").fails(http.StatusPreconditionFailed, "version_mismatch")
		at(t, p, "header Larder-Min-Version")
		at(t, c.do("GET", "/tables/t/keys/k"+rest, "", "Larder-Min-Version: 0").fails(http.StatusBadRequest, "invalid_header"), "header Larder-Min-Version")
		at(t, c.do("GET", "/tables/t/keys/k"+rest, "", "Larder-Min-Version: x").fails(http.StatusBadRequest, "invalid_header"), "header Larder-Min-Version")
		c.do("GET", "/tables/t/keys/k"+rest, "", "Cache-Control: no-cache, max-age=0").is(http.StatusOK)
		c.do("GET", "/tables/t/keys/k"+rest, "", "Cache-Control: only-if-cached").is(http.StatusGatewayTimeout)
	}
}

func TestPrefer(t *testing.T) {
	c := serve(t, gateway.Options{})
	for _, r := range []struct {
		prefer, applied string
		status          int
		value           bool
	}{
		{"return=minimal", "return=minimal", 204, false},
		{"return=representation", "return=representation", 200, true},
		{`Return="representation"; x=1, foo`, "return=representation", 200, true},
		{"return=minimal, return=representation", "return=minimal", 204, false}, // the first counts
		{"return=everything", "", 200, false},
		{"wait=5", "", 200, false},
		{"respond-async", "", 200, false},
		{"", "", 200, false},
	} {
		c.put("k", `{"n":1}`)
		for _, w := range []struct{ method, rest, body, contentType string }{
			{"PUT", "", `{"n":1}`, "application/json"},
			{"PUT", "/entry", `{"value":{"n":1}}`, "application/json"},
			{"PATCH", "", `{"n":1}`, "application/merge-patch+json"},
		} {
			a := c.do(w.method, "/tables/t/keys/k"+w.rest, w.body, "Content-Type: "+w.contentType, "Prefer: "+r.prefer)
			a.is(r.status).has("Preference-Applied", r.applied)
			if a.header.Get("ETag") == "" || a.header.Get("Last-Modified") == "" {
				t.Errorf("%s: headers %v", a.what, a.header)
			}
			if r.status == http.StatusNoContent {
				continue
			}
			if e := decode[api.Entry](a); (string(e.Value) == `{"n":1}`) != r.value || (e.Value != nil) != r.value {
				t.Errorf("%s with Prefer %s gave %s", a.what, r.prefer, a.body)
			}
		}
	}
}

func TestMetadata(t *testing.T) {
	c := serve(t, gateway.Options{})
	for header, want := range map[string]map[string]string{
		`tier="gold"`:                      {"tier": "gold"},
		`tier="gold", note="a \"b\" \\ c"`: {"tier": "gold", "note": `a "b" \ c`},
		`town=%"K%c3%b6ln"`:                {"town": "Köln"},
		`tier=gold, n=7`:                   {"tier": "gold", "n": "7"},
		`a="1",b="2",a="3"`:                {"a": "3", "b": "2"},
		`*x.y-z_0=""`:                      {"*x.y-z_0": ""},
	} {
		c.put("k", `1`, "Larder-Metadata: "+header)
		e := decode[api.Entry](c.do("GET", "/tables/t/keys/k/entry", ""))
		if len(e.Metadata) != len(want) {
			t.Errorf("%s gave %v", header, e.Metadata)
		}
		for name, text := range want {
			if e.Metadata[name] != text {
				t.Errorf("%s gave %v", header, e.Metadata)
			}
		}
		// what comes back can be sent again
		back := c.do("GET", "/tables/t/keys/k", "").header.Get("Larder-Metadata")
		c.put("again", `1`, "Larder-Metadata: "+back)
		c.do("GET", "/tables/t/keys/again", "").has("Larder-Metadata", back)
	}
	c.put("k", `1`, `Larder-Metadata: a="1"`, `Larder-Metadata: b="2"`)
	c.do("GET", "/tables/t/keys/k", "").has("Larder-Metadata", `a="1", b="2"`)
	c.do("PUT", "/tables/t/keys/k/entry", `{"value":1,"metadata":{"town":"東京","mood":"🙂"}}`).is(http.StatusOK).
		has("Larder-Metadata", `mood=%"%f0%9f%99%82", town=%"%e6%9d%b1%e4%ba%ac"`)
	for _, header := range []string{`tier="gold`, `=x`, `Tier="gold"`, `a=1.5`, `a=?1`, `a=(1 2)`, `a=:aGk=:`, `a="x";p=1`, `a`, `a="` + "\xff" + `"`, `a=%"%ff"`, strings.Repeat("x", 9<<10) + `="1"`} {
		at(t, c.do("PUT", "/tables/t/keys/k", `2`, "Larder-Metadata: "+header).fails(http.StatusBadRequest, "invalid_metadata"), "header Larder-Metadata")
	}
	for _, body := range []string{`{"A":"x"}`, `{"a":"\u0007"}`, `{"":"x"}`, `{"a":"` + strings.Repeat("x", 9<<10) + `"}`} {
		at(t, c.do("PUT", "/tables/t/keys/k/entry", `{"value":2,"metadata":`+body+`}`).fails(http.StatusBadRequest, "invalid_metadata"), "pointer /metadata")
	}
	at(t, c.do("PUT", "/tables/t/keys/k/entry", `{"value":2,"metadata":{"a":1}}`).fails(http.StatusBadRequest, "invalid_body"), "pointer /metadata/a")
	c.do("GET", "/tables/t/keys/k", "").holds(`1`)
	c.put("k", `3`)
	c.do("GET", "/tables/t/keys/k", "").has("Larder-Metadata", "")
}
