package conformance_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"larder/internal/testenv/gateway"
)

// TestPlainPathsAreAnsweredAlike asks for each key as its bytes are and with all of
// them encoded, which are different ways through the handlers.
func TestPlainPathsAreAnsweredAlike(t *testing.T) {
	c := serve(t, gateway.Options{})
	stored := []string{"k", "Ada", "a-b_c.d~e", "a:b@c", "$&+,;=!'()*", "...", "keys", "0"}
	for _, key := range stored {
		c.do("PUT", "/tables/t/keys/"+url.PathEscape(key), `{"n":1}`, "Larder-Metadata: a=\"b\"").is(http.StatusCreated)
	}
	tables := []string{"t", "never", "_system", "-bad", strings.Repeat("x", 129), "keys"}
	headers := [][]string{
		nil,
		{"If-None-Match: \"1\""},
		{"If-Match: \"7\""},
		{"If-Match: nonsense"},
		{"Larder-Min-Version: 7"},
		{"Larder-Min-Version: x"},
		{"Cache-Control: no-cache"},
		{"Cache-Control: max-age=1"},
		{"Cache-Control: only-if-cached"},
		{"Accept: text/html"},
		{"Accept: */*"},
	}
	for _, table := range tables {
		for _, key := range append(stored, "absent", strings.Repeat("y", 1025)) {
			for _, header := range headers {
				for _, query := range []string{"", "?", "?other=1"} {
					plain := c.do("GET", "/tables/"+table+"/keys/"+key+query, "", header...)
					encoded := c.do("GET", "/tables/"+table+"/keys/"+encodeAll(key)+query, "", header...)
					if got, want := answerOf(plain), answerOf(encoded); got != want {
						t.Fatalf("%s of %s%s with %q:\n%s\nand encoded:\n%s", table, key, query, header, got, want)
					}
				}
			}
		}
	}
	for _, path := range []string{"/tables//keys/k", "/tables/t/keys/", "/tables/t/keys/a/b", "/tables/t/key/k", "/tables/t/keys/k/", "//tables/t/keys/k"} {
		if a := c.do("GET", path, ""); a.status == http.StatusOK && strings.Contains(a.body, `"n"`) {
			t.Errorf("%s is answered with an entry", path)
		}
	}
}

// encodeAll writes every byte of a key as %XX.
func encodeAll(key string) string {
	var b strings.Builder
	for i := range len(key) {
		fmt.Fprintf(&b, "%%%02X", key[i])
	}
	return b.String()
}

// answerOf is what an answer says, without what differs from one to the next.
func answerOf(a *answer) string {
	h := a.header.Clone()
	id := h.Get("X-Request-Id")
	h.Del("X-Request-Id")
	h.Del("Date")
	h.Del("Content-Length") // a problem tells its path
	body := strings.ReplaceAll(a.body, id, "ID")
	if start := strings.Index(body, `"instance":"`); start >= 0 {
		end := start + len(`"instance":"`) + strings.IndexByte(body[start+len(`"instance":"`):], '"')
		body = body[:start] + body[end:]
	}
	return fmt.Sprintf("%d %v %s", a.status, h, body)
}
