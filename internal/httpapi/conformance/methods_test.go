package conformance_test

import (
	"net/http"
	"strings"
	"testing"

	"larder/api"
	"larder/internal/testenv/gateway"
)

// paths of the contract with names filled in, and what they allow.
func paths() map[string]string {
	return map[string]string{
		"/tables":                    "GET, HEAD, OPTIONS",
		"/tables/t":                  "GET, PUT, DELETE, HEAD, OPTIONS",
		"/tables/t/keys":             "GET, DELETE, HEAD, OPTIONS",
		"/tables/t/keys/k":           "GET, HEAD, PUT, PATCH, DELETE, OPTIONS",
		"/tables/t/keys/a%2Fb":       "GET, HEAD, PUT, PATCH, DELETE, OPTIONS",
		"/tables/t/keys/k/entry":     "GET, PUT, HEAD, OPTIONS",
		"/tables/t/keys/k/expiry":    "GET, PUT, DELETE, HEAD, OPTIONS",
		"/tables/t/keys/k/increment": "POST, OPTIONS",
		"/tables/t/query":            "POST, OPTIONS",
		"/tables/t/count":            "POST, OPTIONS",
		"/tables/t/indexes":          "GET, HEAD, OPTIONS",
		"/tables/t/indexes/i":        "PUT, DELETE, OPTIONS",
		"/tables/t/changes":          "GET, HEAD, OPTIONS",
		"/batch":                     "POST, OPTIONS",
		"/sql":                       "POST, OPTIONS",
		"/backends":                  "GET, HEAD, OPTIONS",
		"/routes":                    "GET, PUT, HEAD, OPTIONS",
		"/backends/local/compare":    "POST, OPTIONS",
		"/copies":                    "POST, OPTIONS",
		"/operations":                "GET, HEAD, OPTIONS",
		"/operations/x":              "GET, HEAD, OPTIONS",
		"/operations/x/cancel":       "POST, OPTIONS",
		"/backends/local/promote":    "POST, OPTIONS",
		"/repairs":                   "GET, HEAD, OPTIONS",
		"/repairs/verify":            "POST, OPTIONS",
		"/repairs/replay":            "POST, OPTIONS",
		"/backends/model":            "GET, PUT, PATCH, DELETE, HEAD, OPTIONS",
		"/stats":                     "GET, HEAD, OPTIONS",
		"/health":                    "GET, HEAD, OPTIONS",
		"/livez":                     "GET, HEAD, OPTIONS",
		"/readyz":                    "GET, HEAD, OPTIONS",
		"/metrics":                   "GET, HEAD, OPTIONS",
		"/maintenance":               "POST, OPTIONS",
		"/openapi.yaml":              "GET, HEAD, OPTIONS",
		"/openapi.json":              "GET, HEAD, OPTIONS",
		"/docs":                      "GET, HEAD, OPTIONS",
	}
}

func TestEveryPathIsTested(t *testing.T) {
	spec, err := api.GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(paths()) - 1; spec.Paths.Len() != n { // one is there twice
		t.Errorf("the contract has %d paths, %d are tested", spec.Paths.Len(), n)
	}
}

func TestMethods(t *testing.T) {
	c := serve(t, gateway.Options{})
	for path, allowed := range paths() {
		if got := c.do("OPTIONS", path, "").is(http.StatusNoContent).header.Get("Allow"); !sameList(got, allowed) {
			t.Errorf("%s allows %s, want %s", path, got, allowed)
		}
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"} {
			if strings.Contains(allowed, method) {
				continue
			}
			a := c.do(method, path, "").is(http.StatusMethodNotAllowed)
			if method != "HEAD" {
				a.fails(http.StatusMethodNotAllowed, "method_not_allowed")
			}
			if got := a.header.Get("Allow"); !sameList(got, allowed) {
				t.Errorf("%s %s allows %s, want %s", method, path, got, allowed)
			}
		}
	}
	c.do("OPTIONS", "/tables/t/keys/k", "").has("Accept-Patch", "application/merge-patch+json, application/json-patch+json")
	c.do("OPTIONS", "/batch", "").has("Accept-Post", "application/json")
	for _, path := range []string{"/nowhere", "/", "/tables/", "/tables/t/", "/tables/t/keys/k/x"} {
		c.do("GET", path, "").fails(http.StatusNotFound, "route_not_found")
		c.do("OPTIONS", path, "").fails(http.StatusNotFound, "route_not_found")
	}
	for _, path := range []string{"/docs/nothing", "/docs/..%2fweb.go"} {
		c.do("GET", path, "").fails(http.StatusNotFound, "route_not_found")
	}
}

func sameList(a, b string) bool {
	set := func(list string) map[string]bool {
		items := map[string]bool{}
		for item := range strings.SplitSeq(list, ", ") {
			items[item] = true
		}
		return items
	}
	as, bs := set(a), set(b)
	for item := range as {
		if !bs[item] {
			return false
		}
	}
	return len(as) == len(bs)
}

func TestHeadIsGetWithoutABody(t *testing.T) {
	c := serve(t, gateway.Options{})
	c.put("k", `1`)
	c.put("a%2Fb", `1`)
	for path, allowed := range paths() {
		if !strings.Contains(allowed, "GET") || strings.HasSuffix(path, "/changes") || path == "/operations/x" { // there is none
			continue
		}
		get, head := c.do("GET", path, "").is(http.StatusOK), c.do("HEAD", path, "").is(http.StatusOK)
		for _, name := range []string{"Content-Type", "ETag", "Larder-Version", "Last-Modified"} {
			head.has(name, get.header.Get(name))
		}
		if path != "/stats" {
			head.has("Content-Length", get.header.Get("Content-Length"))
		}
		if head.body != "" {
			t.Errorf("HEAD %s has a body", path)
		}
	}
	c.do("HEAD", "/tables/t/changes", "").is(http.StatusOK)
	c.do("HEAD", "/tables/t/keys/none", "").is(http.StatusNotFound)
}

func TestAccept(t *testing.T) {
	c := serve(t, gateway.Options{})
	c.put("json", `1`)
	c.put("bytes", "x", "Content-Type: application/octet-stream")
	for _, r := range []struct {
		path, accept, gives string // "": 406
	}{
		{"/tables/t/keys/json", "application/json", "application/json"},
		{"/tables/t/keys/json", "*/*", "application/json"},
		{"/tables/t/keys/json", "text/html, application/*;q=0.1", "application/json"},
		{"/tables/t/keys/json", "text/html", ""},
		{"/tables/t/keys/json", "application/json;q=0, */*", ""},
		{"/tables/t/keys/json", "application/octet-stream", ""},
		{"/tables/t/keys/bytes", "application/octet-stream", "application/octet-stream"},
		{"/tables/t/keys/bytes", "application/json", ""},
		{"/tables/t/keys/bytes", "", "application/octet-stream"},
		{"/tables/t/keys/json/entry", "text/plain", ""},
		{"/tables/t/keys", "application/x-ndjson", "application/x-ndjson"},
		{"/tables/t/keys", "application/x-ndjson;q=0.5, application/json", "application/json"},
		{"/tables/t/keys", "text/event-stream", ""},
		{"/tables/t/changes", "application/x-ndjson, text/csv", "application/x-ndjson"},
		{"/tables/t/changes", "text/csv", ""},
		{"/tables/t/keys/json", "nonsense", "application/json"}, // nothing that can be understood was asked for
	} {
		headers := []string{}
		if r.accept != "" {
			headers = append(headers, "Accept: "+r.accept)
		}
		a := c.do("GET", r.path, "", headers...)
		if r.gives == "" {
			at(t, a.fails(http.StatusNotAcceptable, "not_acceptable"), "header Accept")
			a.has("ETag", "").has("Last-Modified", "")
			continue
		}
		a.is(http.StatusOK).has("Content-Type", r.gives)
	}
}

func TestQueryParameters(t *testing.T) {
	c := serve(t, gateway.Options{})
	for path, place := range map[string]string{
		"/tables?x=1":                              "parameter x",
		"/tables/t/keys?limit=1&limit=2":           "parameter limit",
		"/tables/t/keys?limit=0":                   "parameter limit",
		"/tables/t/keys?limit=1001":                "parameter limit",
		"/tables/t/keys?limit=x":                   "parameter limit",
		"/tables/t/keys?Limit=1":                   "parameter Limit",
		"/tables/t/keys?reverse=maybe":             "parameter reverse",
		"/tables/t/keys?modified_since=yesterday":  "parameter modified_since",
		"/tables/t/keys?modified_since=2030-01-01": "parameter modified_since",
		"/tables/t/keys?modified_since=2030-01-01T00:00:00Z&expiring_before=2030-01-01T00:00:00Z": "parameter expiring_before",
		"/tables/t/keys/k?ttl_seconds=1":            "parameter ttl_seconds",
		"/tables/t/changes?limit=-1":                "parameter limit",
		"/livez?verbose":                            "parameter verbose",
		"/tables/t/keys?delimiter=/&filter=/a:eq:1": "parameter filter",
	} {
		at(t, c.do("GET", path, "").fails(http.StatusBadRequest, "invalid_parameter"), place)
	}
	at(t, c.do("GET", "/tables/t/keys?delimiter=/", "", "Accept: application/x-ndjson").fails(http.StatusBadRequest, "invalid_parameter"), "parameter delimiter")
	for _, query := range []string{"%zz", "a=%", "prefix=a;limit=1"} {
		c.do("GET", "/tables/t/keys?"+query, "").fails(http.StatusBadRequest, "invalid_parameter")
	}
	at(t, c.do("GET", "/tables/t/keys?reverse=true&modified_since=2030-01-01T00:00:00Z", "").fails(http.StatusBadRequest, "invalid_scan"), "parameter reverse")
	at(t, c.do("GET", "/tables/t/keys?prefix=%00", "").fails(http.StatusBadRequest, "invalid_scan"), "parameter prefix")
	at(t, c.do("GET", "/tables/t/keys?prefix=%ff", "").fails(http.StatusBadRequest, "invalid_scan"), "parameter prefix")
	c.do("GET", "/tables/t/keys?%ff=1", "").fails(http.StatusBadRequest, "invalid_parameter")
	c.do("GET", "/tables/t/keys?filter=/a:eq:%ff", "").fails(http.StatusBadRequest, "invalid_query")
	c.do("GET", "/tables/t/keys?filter=%ff:eq:1", "").fails(http.StatusBadRequest, "invalid_query")
	c.do("GET", "/tables/t/keys?filter=/a:%ff:1", "").fails(http.StatusBadRequest, "invalid_query")
	c.do("GET", "/tables/t/keys?cursor=%ff", "").fails(http.StatusBadRequest, "invalid_cursor")
	c.do("GET", "/tables/t/keys?delimiter=%ff", "").fails(http.StatusBadRequest, "invalid_scan")
	c.do("GET", "/tables/t/changes?prefix=%ff", "").fails(http.StatusBadRequest, "invalid_scan")
	c.do("GET", "/backends/%ff", "").fails(http.StatusNotFound, "not_found")
	c.do("DELETE", "/tables/t/keys?confirm=%ff", "").fails(http.StatusBadRequest, "confirmation_required")
	c.do("DELETE", "/tables/t/indexes/%ff", "").is(http.StatusNotFound)
	at(t, c.do("GET", "/tables/t/keys?filter=nonsense", "").fails(http.StatusBadRequest, "invalid_query"), "parameter filter")
}

func TestEnvelopesAreStrict(t *testing.T) {
	c := serve(t, gateway.Options{})
	c.put("k", `{"n":1}`)
	for _, r := range []struct{ request, body, code, place string }{
		{"PUT /tables/t/keys/k/entry", `{"value":1,"valu":2}`, "invalid_body", "pointer /valu"},
		{"PUT /tables/t/keys/k/entry", `{"Value":1}`, "invalid_body", "pointer /Value"},
		{"PUT /tables/t/keys/k/entry", `{}`, "invalid_body", "pointer /value"},
		{"PUT /tables/t/keys/k/entry", `[]`, "invalid_body", "pointer "},
		{"PUT /tables/t/keys/k/entry", `{"value":1,"value":2}`, "invalid_json", "pointer /value"},
		{"PUT /tables/t/keys/k/entry", `{"value":1}{}`, "invalid_json", "pointer "},
		{"PUT /tables/t/keys/k/entry", `{"value":1,"ttl_seconds":"60"}`, "invalid_body", "pointer /ttl_seconds"},
		{"PUT /tables/t/keys/k/entry", `{"value":1,"ttl_seconds":1.5}`, "invalid_body", "pointer /ttl_seconds"},
		{"PUT /tables/t/keys/k/entry", `{"value":1,"expires_at":"soon"}`, "invalid_body", "pointer /expires_at"},
		{"PUT /tables/t/keys/k/entry", `{"value":1,"encoding":"hex"}`, "invalid_body", "pointer /encoding"},
		{"PUT /tables/t/keys/k/entry", `{"value":1,"encoding":"base64"}`, "invalid_body", "pointer /value"},
		{"PUT /tables/t/keys/k/entry", `{"value":"a","encoding":"base64"}`, "invalid_body", "pointer /value"},
		{"PUT /tables/t/keys/k/entry", `{"value":"YW\n==","encoding":"base64"}`, "invalid_body", "pointer /value"},
		{"POST /tables/t/keys/k/increment", `{}`, "invalid_operation", "pointer /delta"},
		{"POST /tables/t/keys/k/increment", `{"delta":"1"}`, "invalid_operation", "pointer /delta"},
		{"POST /tables/t/keys/k/increment", `{"delta":1,"path":"n"}`, "invalid_operation", "pointer /path"},
		{"POST /tables/t/keys/k/increment", `{"delta":1,"min":2,"max":1}`, "invalid_operation", "pointer /min"},
		{"POST /batch", `{"operations":[{"op":"get","table":"t","key":"k","x":1}]}`, "invalid_body", "pointer /operations/0/x"},
		{"POST /batch", `{"operations":{}}`, "invalid_body", "pointer /operations"},
		{"POST /batch", `{"atomic":1,"operations":[]}`, "invalid_body", "pointer /atomic"},
		{"POST /tables/t/query", `{"filter":{"path":"/a","op":"eq","value":1,"x":2}}`, "invalid_query", "pointer /filter/x"},
		{"POST /tables/t/query", `{"filter":{"and":[{"path":"/a","op":"wat","value":1}]}}`, "invalid_query", "pointer /filter/and/0/op"},
		{"POST /tables/t/query", `{"filter":{}}`, "invalid_query", "pointer /filter"},
		{"POST /tables/t/query", `{"filter":null}`, "invalid_query", "pointer /filter"},
		{"POST /tables/t/query", `{"sort":[{"path":"a"}]}`, "invalid_query", "pointer /sort/0/path"},
		{"POST /tables/t/query", `{"sort":[{"path":"/a","order":"up"}]}`, "invalid_body", "pointer /sort/0/order"},
		{"POST /tables/t/query", `{"select":["a"]}`, "invalid_body", "pointer /select/0"},
		{"POST /tables/t/query", `{"limit":0}`, "invalid_body", "pointer /limit"},
		{"POST /tables/t/query", `{"offset":-1}`, "invalid_query", "pointer /offset"},
		{"POST /tables/t/count", `{"limit":1}`, "invalid_body", "pointer /limit"},
		{"PUT /tables/t", `{"default_ttl":1}`, "invalid_body", "pointer /default_ttl"},
		{"PUT /tables/t", `{"default_ttl_seconds":0}`, "invalid_body", "pointer /default_ttl_seconds"},
		{"PUT /tables/t/indexes/i", `{"fields":[{"path":"a","type":"string"}]}`, "invalid_body", "pointer /fields/0/path"},
		{"PUT /tables/t/indexes/i", `{"fields":[{"path":"/a","type":"date"}]}`, "invalid_index", "pointer /fields"},
		{"PUT /tables/t/indexes/i", `{"fields":[]}`, "invalid_index", "pointer /fields"},
		{"PUT /tables/t/indexes/-i", `{"fields":[{"path":"/a","type":"string"}]}`, "invalid_index", "parameter index"},
	} {
		method, path, _ := strings.Cut(r.request, " ")
		a := c.do(method, path, r.body)
		if !strings.Contains(a.body, `"`+r.code+`"`) || a.status != http.StatusBadRequest {
			t.Errorf("%s %s: %d %s", r.request, r.body, a.status, a.body)
			continue
		}
		at(t, a.fails(http.StatusBadRequest, r.code), r.place)
	}
	c.do("GET", "/tables/t/keys/k", "").holds(`{"n":1}`)
}
