package conformance_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"larder/api"
	"larder/internal/testenv/gateway"
)

// oddKeys are keys that some layer on the way tends to take for something
// else.
func oddKeys() []string {
	return []string{
		"a/b", "a%2Fb", "a%25b", "100%25", "100%", "%", ":", "*", "[", "[a]", "_", " ", " a b ", "a+b", "a b", "?", "#", "a?b=c#d", "&", "=", ";", ",", "@", "!", "$", "~", "^", "|", "\\", `"`, "'", "`", "<>", "{}",
		"/", "//", "a//b", "/a", "a/", "...", "../a", "a/../b", "a/./b", "keys", "entry", "a/entry",
		"🙂", "👩‍👩‍👧‍👦", "日本語", "caf\u00e9", "cafe\u0301", "\u00e9", "e\u0301", "\ufeff", "\u202e", strings.Repeat("€", 341), strings.Repeat("/", 1024),
	}
}

func TestOddKeysRaw(t *testing.T) {
	c := serve(t, gateway.Options{})
	for i, key := range oddKeys() {
		path := "/tables/t/keys/" + url.PathEscape(key)
		a := c.do("PUT", path, strconv.Itoa(i), "If-None-Match: *").is(http.StatusCreated)
		if e := decode[api.Entry](a); e.Key != key {
			t.Errorf("PUT %q wrote %q", key, e.Key)
		}
		c.do("GET", a.header.Get("Location"), "").holds(strconv.Itoa(i))
	}
	for i, key := range oddKeys() {
		c.do("GET", "/tables/t/keys/"+url.PathEscape(key), "").holds(strconv.Itoa(i))
		c.do("GET", "/tables/t/keys/"+everyByte(key), "").holds(strconv.Itoa(i))
		if e := decode[api.Entry](c.do("GET", "/tables/t/keys/"+everyByte(key)+"/entry", "")); e.Key != key {
			t.Errorf("GET %q gave %q", key, e.Key)
		}
	}
	page := decode[api.EntryPage](c.do("GET", "/tables/t/keys?keys_only=true&limit=1000", ""))
	if len(page.Items) != len(oddKeys()) {
		t.Errorf("%d keys are listed, %d were put", len(page.Items), len(oddKeys()))
	}
	for _, key := range oddKeys() {
		c.do("DELETE", "/tables/t/keys/"+everyByte(key), "").is(http.StatusNoContent)
		c.do("GET", "/tables/t/keys/"+url.PathEscape(key), "").fails(http.StatusNotFound, "not_found")
	}
}

// everyByte encodes more than is needed, which means the same.
func everyByte(key string) string {
	var b strings.Builder
	for i := range len(key) {
		fmt.Fprintf(&b, "%%%02X", key[i])
	}
	return b.String()
}

func TestOddKeysByTheGoClient(t *testing.T) {
	c := serve(t, gateway.Options{})
	larder, err := api.NewClientWithResponses(c.URL, api.WithHTTPClient(c.http))
	if err != nil {
		t.Fatal(err)
	}
	for i, key := range oddKeys() {
		resp, err := larder.PutKeyWithResponse(t.Context(), "t", key, nil, []byte(strconv.Itoa(i)))
		if err != nil || resp.JSON201 == nil || resp.JSON201.Key != key {
			t.Fatalf("put %q: %v, %s", key, err, resp.Body)
		}
	}
	for i, key := range oddKeys() {
		resp, err := larder.GetKeyWithResponse(t.Context(), "t", key, nil)
		if err != nil || string(resp.Body) != strconv.Itoa(i) {
			t.Errorf("get %q: %v, %s", key, err, resp.Body)
		}
		deleted, err := larder.DeleteKeyWithResponse(t.Context(), "t", key, nil)
		if err != nil || deleted.StatusCode() != http.StatusNoContent {
			t.Errorf("delete %q: %v, %s", key, err, deleted.Body)
		}
	}
}

func TestOddKeysByCurl(t *testing.T) {
	c := serve(t, gateway.Options{})
	curl := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "curl", append([]string{"--silent", "--show-error", "--path-as-is", "--globoff"}, args...)...).Output()
		if err != nil {
			t.Fatalf("curl %q: %v", args, err)
		}
		return string(out)
	}
	for i, key := range oddKeys() {
		address := c.URL + "/tables/t/keys/" + url.PathEscape(key)
		if status := curl("--output", "/dev/null", "--write-out", "%{http_code}", "-X", "PUT", "--json", strconv.Itoa(i), address); status != "201" {
			t.Errorf("put %q: %s", key, status)
		}
		if got := curl(address); got != strconv.Itoa(i) {
			t.Errorf("get %q: %s", key, got)
		}
	}
	for _, dots := range []string{"..", ".", "%2e%2e", "%2e"} {
		got := curl("--write-out", " %{http_code} %{num_redirects} %{redirect_url}", c.URL+"/tables/t/keys/"+dots)
		if !strings.HasSuffix(got, " 400 0 ") || !strings.Contains(got, `"invalid_key"`) {
			t.Errorf("%s: %s", dots, got)
		}
	}
	if got := curl("-d", "1", "-X", "PUT", c.URL+"/tables/t/keys/form"); !strings.Contains(got, "with curl say --json") {
		t.Errorf("a form without a hint: %s", got)
	}
}

func TestKeysThatAreNone(t *testing.T) {
	c := serve(t, gateway.Options{})
	for _, path := range []string{"%00", "a%00", "%0a", "%7f", "%c2%85", "%ff", "%c3", "%ed%a0%80", strings.Repeat("k", 1025), strings.Repeat("%e2%82%ac", 342)} {
		at(t, c.do("GET", "/tables/t/keys/"+path, "").fails(http.StatusBadRequest, "invalid_key"), "parameter key")
		at(t, c.do("PUT", "/tables/t/keys/"+path+"/entry", `{"value":1}`).fails(http.StatusBadRequest, "invalid_key"), "parameter key")
	}
	for _, table := range []string{"_tables", "_", "-a", ".a", "a%2Fb", "a%20b", "%c3%a4", strings.Repeat("t", 129)} {
		for _, rest := range []string{"/keys/k", "/keys", "/changes", "/indexes", ""} {
			at(t, c.do("GET", "/tables/"+table+rest, "").fails(http.StatusBadRequest, "invalid_table"), "parameter table")
		}
	}
	c.do("GET", "/tables/t/keys/", "").fails(http.StatusNotFound, "route_not_found")
	c.do("GET", "/tables/t/keys/a/b", "").fails(http.StatusNotFound, "route_not_found")
}
