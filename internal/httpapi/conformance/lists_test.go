package conformance_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"larder/api"
	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/testenv/gateway"
)

// fill stores n entries by batches.
func (c *client) fill(n int) {
	c.Helper()
	for from := 0; from < n; from += 1000 {
		ops := array(min(1000, n-from), func(i int) string {
			return `{"op":"put","table":"t","key":"` + name(from+i) + `","value":{"n":` + name(from + i)[1:2] + `}}`
		})
		c.do("POST", "/batch", `{"operations":`+ops+`}`).is(http.StatusOK)
	}
}

// next is the path that a link names, "" for none.
func (a *answer) next() string {
	a.Helper()
	link := a.header.Get("Link")
	if link == "" {
		return ""
	}
	match := regexp.MustCompile(`^<([^>]+)>; rel="next"$`).FindStringSubmatch(link)
	if match == nil {
		a.Fatalf("%s: Link is %q", a.what, link)
	}
	return match[1]
}

func TestListsByPages(t *testing.T) {
	c := serve(t, gateway.Options{})
	c.fill(2500)
	for first, want := range map[string]int{
		"/tables/t/keys": 2500, "/tables/t/keys?limit=1000": 2500, "/tables/t/keys?limit=999&reverse=true&keys_only=true": 2500,
		"/tables/t/keys?prefix=k00&limit=7": 1000, "/tables/t/keys?start=k00100&end=k00200&limit=33": 100,
		"/tables/t/keys?filter=/n:eq:0&limit=1000": 2500, "/tables/t/keys?filter=$key:gte:k02000&reverse=true&limit=77": 500,
		"/tables/t/keys?modified_since=2001-01-01T00:00:00Z&limit=800": 2500,
	} {
		seen := map[string]bool{}
		for path := first; path != ""; {
			a := c.do("GET", path, "").is(http.StatusOK)
			page := decode[api.EntryPage](a)
			for _, e := range page.Items {
				if seen[e.Key] {
					t.Fatalf("%s gives %s twice", first, e.Key)
				}
				seen[e.Key] = true
			}
			path = a.next()
			if (path == "") != (page.NextCursor == "") {
				t.Fatalf("%s links to %q beside the cursor %q", first, path, page.NextCursor)
			}
		}
		if len(seen) != want {
			t.Errorf("%s gave %d entries, want %d", first, len(seen), want)
		}
	}
}

func TestListsAsLines(t *testing.T) {
	c := serve(t, gateway.Options{})
	c.fill(2500)
	lines := func(path string) *answer {
		t.Helper()
		return c.do("GET", path, "", "Accept: application/x-ndjson").is(http.StatusOK).has("Content-Type", "application/x-ndjson")
	}
	for path, want := range map[string]int{
		"/tables/t/keys": 2500, "/tables/t/keys?prefix=k01": 1000, "/tables/t/keys?filter=/n:eq:0": 2500,
		"/tables/t/keys?reverse=true&keys_only=true": 2500, "/tables/none/keys": 0,
	} {
		a := lines(path)
		if n := strings.Count(a.body, "\n"); n != want || a.next() != "" {
			t.Errorf("%s gave %d lines, want %d, and the link %q", path, n, want, a.next())
		}
	}
	for _, first := range []string{"/tables/t/keys?limit=700", "/tables/t/keys?limit=700&filter=/n:eq:0"} {
		n := 0
		for path := first; path != ""; {
			a := lines(path)
			n += strings.Count(a.body, "\n")
			path = a.next()
		}
		if n != 2500 {
			t.Errorf("%s gave %d lines by its links", first, n)
		}
	}
	c.do("GET", "/tables/t/keys?filter=/n:wat:0", "", "Accept: application/x-ndjson").fails(http.StatusBadRequest, "invalid_query")
}

// failingScans fails from the nth page of a scan on.
type failingScans struct {
	*storetest.Model
	after int
}

func (f *failingScans) Scan(ctx ctx, s store.Scan) (store.Page, error) {
	if f.after == 0 {
		return store.Page{}, &store.Error{Code: store.Unavailable, Detail: "the backend is gone"}
	}
	f.after--
	return f.Model.Scan(ctx, s)
}

func TestLinesThatBreakOff(t *testing.T) {
	s := &failingScans{storetest.NewModel(storetest.ModelOptions{}), 1 << 30}
	c := serveStore(t, s, gateway.Options{})
	c.fill(2500)
	s.after = 0
	c.do("GET", "/tables/t/keys", "", "Accept: application/x-ndjson").fails(http.StatusServiceUnavailable, "unavailable")
	s.after = 2
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.URL+"/tables/t/keys", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/x-ndjson")
	resp, err := c.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := discard(resp.Body); err == nil {
		t.Errorf("after %d bytes the lines ended as if they were all", n)
	}
}

func TestFolders(t *testing.T) {
	c := serve(t, gateway.Options{})
	for _, key := range []string{"a", "b%2F1", "b%2F2", "b%2Fc%2F3", "d"} {
		c.put(key, `1`)
	}
	page := decode[api.EntryPage](c.do("GET", "/tables/t/keys?delimiter=/&keys_only=true", ""))
	if len(page.Items) != 2 || len(page.Prefixes) != 1 || page.Prefixes[0] != "b/" {
		t.Errorf("the root holds %v and %v", page.Items, page.Prefixes)
	}
	page = decode[api.EntryPage](c.do("GET", "/tables/t/keys?delimiter=/&prefix=b/", ""))
	if len(page.Items) != 2 || len(page.Prefixes) != 1 || page.Prefixes[0] != "b/c/" {
		t.Errorf("b/ holds %v and %v", page.Items, page.Prefixes)
	}
}

func TestQueries(t *testing.T) {
	c := serve(t, gateway.Options{})
	for key, text := range map[string]string{"ada": `{"age":36,"tier":"gold"}`, "bob": `{"age":17}`, "eve": `{"age":20,"tier":"x"}`, "tim": `"text"`} {
		c.put(key, text)
	}
	page := decode[api.QueryPage](c.do("POST", "/tables/t/query", `{"filter":{"and":[{"path":"/age","op":"gte","value":18},{"not":{"path":"/tier","op":"in","value":["x","y"]}}]},"sort":[{"path":"/age","order":"desc"}],"select":["/age"]}`).is(http.StatusOK))
	if len(page.Items) != 1 || string(page.Items[0].Value) != `{"age":36}` || page.Plan.Mode != api.PlanModeScan {
		t.Errorf("found %+v", page)
	}
	var keys []string
	cursor := ""
	for {
		page := decode[api.QueryPage](c.do("POST", "/tables/t/query", `{"sort":[{"path":"/age"}],"limit":1,"cursor":"`+cursor+`"}`).is(http.StatusOK))
		keys = append(keys, page.Items[0].Key)
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if strings.Join(keys, " ") != "tim bob eve ada" {
		t.Errorf("by age they are %v", keys)
	}
	if n := decode[api.CountResult](c.do("POST", "/tables/t/count", `{"filter":{"path":"/tier","op":"is_null"}}`)); n.Count != 0 {
		t.Errorf("counted %+v", n)
	}
	c.do("POST", "/tables/t/count", `{}`).tells(`{"count":4,"plan":{"backend":"model","mode":"scan","scanned":4}}`)
	expensive := serveStore(t, limited(store.Limits{ScanBudget: 3}), gateway.Options{})
	expensive.fill(4)
	expensive.do("POST", "/tables/t/query", `{"filter":{"path":"/n","op":"eq","value":1}}`).fails(http.StatusUnprocessableEntity, "query_too_expensive")
	expensive.do("POST", "/tables/t/count", `{"filter":{"path":"/n","op":"eq","value":1}}`).fails(http.StatusUnprocessableEntity, "query_too_expensive")
}

func TestDeletingMany(t *testing.T) {
	c := serve(t, gateway.Options{})
	c.fill(1200)
	const all = "/tables/t/keys"
	c.do("DELETE", all, "").fails(http.StatusBadRequest, "confirmation_required")
	at(t, c.do("DELETE", all+"?confirm=other", "").fails(http.StatusBadRequest, "confirmation_required"), "parameter confirm")
	c.do("DELETE", all+"?start=k00001", "").fails(http.StatusBadRequest, "confirmation_required")
	c.do("DELETE", all+"?dry_run=true", "").tells(`{"deleted":1200,"dry_run":true}`)
	c.do("DELETE", all+"?prefix=k00&dry_run=true", "").tells(`{"deleted":1000,"dry_run":true}`)
	at(t, c.do("DELETE", all+"?prefix=k&max_affected=1199", "").fails(http.StatusConflict, "too_many_affected"), "parameter max_affected")
	at(t, c.do("DELETE", all+"?prefix=k&max_affected=0", "").fails(http.StatusBadRequest, "invalid_parameter"), "parameter max_affected")
	c.do("DELETE", all+"?prefix=k0001&max_affected=10", "").tells(`{"deleted":10}`)
	c.do("DELETE", all+"?confirm=t&start=k00000&end=k00005", "").tells(`{"deleted":5}`)
	c.do("DELETE", all+"?confirm=t&max_affected=1185", "").tells(`{"deleted":1185}`)
	c.do("DELETE", all+"?confirm=t", "").tells(`{"deleted":0}`)
	c.put("k00001", `1`).has("ETag", `"3"`)
}

func TestIndexes(t *testing.T) {
	c := serve(t, gateway.Options{})
	c.put("a", `{"email":"x"}`)
	const path = "/tables/t/indexes/by_email"
	def := `{"fields":[{"path":"/email","type":"string"}],"unique":true}`
	made := c.do("PUT", path, def).is(http.StatusCreated).has("Location", path)
	if x := decode[api.Index](made); x.State != api.IndexStateReady || x.Entries != 1 || !x.Unique {
		t.Errorf("made %+v", x)
	}
	c.do("PUT", path, def).is(http.StatusOK).has("Location", "")
	c.do("PUT", "/tables/t/keys/b", `{"email":"x"}`).fails(http.StatusConflict, "unique_violation")
	p := c.do("POST", "/batch", `{"atomic":true,"operations":[{"op":"put","table":"t","key":"c","value":{"email":"y"}},{"op":"put","table":"t","key":"b","value":{"email":"x"}}]}`).fails(http.StatusConflict, "batch_failed")
	at(t, p, "pointer /operations/1/value")
	c.do("PUT", path, `{"fields":[{"path":"/email","type":"string"},{"path":"/n","type":"number"}]}`).is(http.StatusOK) // replaced
	c.put("b", `{"email":"x"}`)
	c.do("PUT", path, def).fails(http.StatusConflict, "unique_violation") // and no index is left
	c.do("GET", "/tables/t/indexes", "").tells(`{"items":[]}`)
	c.do("PUT", path, `{"fields":[{"path":"/email","type":"string"}]}`).is(http.StatusCreated)
	c.do("DELETE", path, "").is(http.StatusNoContent)
	c.do("DELETE", path, "").fails(http.StatusNotFound, "not_found")
	c.do("GET", "/tables/t/indexes", "").tells(`{"items":[]}`)
}

func TestTables(t *testing.T) {
	c := serve(t, gateway.Options{})
	c.do("GET", "/tables", "").tells(`{"items":[]}`)
	c.do("GET", "/tables/t", "").fails(http.StatusNotFound, "not_found")
	c.do("PUT", "/tables/t", `{"default_ttl_seconds":60,"require_preconditions":true}`).is(http.StatusCreated).has("Location", "/tables/t")
	c.do("PUT", "/tables/t", `{"default_ttl_seconds":60}`).is(http.StatusOK).has("Location", "")
	c.do("GET", "/tables/t", "").tells(`{"name":"t","entries":0,"estimated":false,"default_ttl_seconds":60,"require_preconditions":false}`)

	e := decode[api.Entry](c.put("k", `{"n":1}`))
	if e.ExpiresAt == nil || e.ExpiresAt.Sub(e.UpdatedAt) != time.Minute {
		t.Errorf("the default ttl gave %v", e.ExpiresAt)
	}
	e = decode[api.Entry](c.put("other?ttl_seconds=5", `1`))
	if e.ExpiresAt.Sub(e.UpdatedAt) != 5*time.Second {
		t.Errorf("a ttl of its own gave %v", e.ExpiresAt)
	}
	c.do("DELETE", "/tables/t/keys/k/expiry", "").is(http.StatusNoContent)
	c.do("GET", "/tables/t/keys/k/expiry", "").tells(`{"expires_at":null,"ttl_seconds":null}`)
	batch := decode[api.BatchResponse](c.do("POST", "/batch", `{"operations":[{"op":"increment","table":"t","key":"hits","delta":1,"initial":0}]}`, "Prefer: return=representation"))
	if batch.Results[0].Entry.ExpiresAt == nil {
		t.Error("a batch passes the default ttl by")
	}

	c.do("PUT", "/tables/t", `{"require_preconditions":true}`).is(http.StatusOK)
	c.do("PUT", "/tables/t/keys/k", `1`).fails(http.StatusPreconditionRequired, "precondition_required")
	c.do("PUT", "/tables/t/keys/k/entry", `{"value":1}`).fails(http.StatusPreconditionRequired, "precondition_required")
	c.do("PATCH", "/tables/t/keys/k", `{}`, "Content-Type: application/merge-patch+json").fails(http.StatusPreconditionRequired, "precondition_required")
	c.do("DELETE", "/tables/t/keys/k", "").fails(http.StatusPreconditionRequired, "precondition_required")
	c.do("DELETE", "/tables/t/keys?prefix=k", "").fails(http.StatusPreconditionRequired, "precondition_required")
	c.do("POST", "/tables/t/keys/hits/increment", `{"delta":1}`).is(http.StatusOK)
	p := c.do("POST", "/batch", `{"atomic":true,"operations":[{"op":"get","table":"t","key":"k"},{"op":"delete","table":"t","key":"k"}]}`).fails(http.StatusConflict, "batch_failed")
	at(t, p, "pointer /operations/1")
	c.put("k", `{"n":2}`, `If-Match: *`)

	page := decode[api.TablePage](c.do("GET", "/tables?limit=1", ""))
	if len(page.Items) != 1 || page.Items[0].Name != "t" || page.Items[0].Entries != 3 || page.NextCursor != "" {
		t.Errorf("the tables are %+v", page)
	}
	c.do("DELETE", "/tables/t", "").fails(http.StatusBadRequest, "confirmation_required")
	c.do("DELETE", "/tables/t?confirm=x", "").fails(http.StatusBadRequest, "confirmation_required")
	c.do("DELETE", "/tables/t?confirm=t", "").is(http.StatusNoContent)
	c.do("DELETE", "/tables/t?confirm=t", "").fails(http.StatusNotFound, "not_found")
	c.do("GET", "/tables/t", "").fails(http.StatusNotFound, "not_found")
	c.do("GET", "/tables/t/keys/k", "").fails(http.StatusNotFound, "not_found")
	c.put("k", `1`).is(http.StatusCreated).has("Larder-Expires-At", "")
}
