package main

import (
	"net/url"
	"strings"
	"testing"

	"larder/internal/testenv"
)

func TestServeOverPostgres(t *testing.T) {
	address := testenv.EmptyPostgres(t, "")
	first := start(t, "LARDER_PRIMARY="+address, "LARDER_POSTGRES_SCHEMA=theirs")
	first.must("", "put", "users", "ada", `{"n": 1}`)

	// Another larder over the same entries, told by the variables of PostgreSQL's image.
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	second := start(t,
		"LARDER_PRIMARY=", "POSTGRES_HOST="+u.Hostname(), "POSTGRES_PORT="+u.Port(), "POSTGRES_DB="+strings.TrimPrefix(u.Path, "/"),
		"POSTGRES_USER="+u.User.Username(), "POSTGRES_PASSWORD="+password, "LARDER_POSTGRES_SCHEMA=theirs",
	)
	if got := second.must("", "get", "users", "ada"); strings.TrimSpace(got) != `{"n":1}` {
		t.Errorf("the other larder has %s", got)
	}
	if s := schemaOf(t, []string{"LARDER_PRIMARY=" + address, "LARDER_POSTGRES_SCHEMA=theirs"}); s.Version != s.Latest {
		t.Errorf("serve leaves the schema at %+v", s)
	}
}

func TestServeSaysWhyThereIsNoPostgres(t *testing.T) {
	for name, tt := range map[string]struct {
		env  []string
		code int
		want string
	}{
		"nobody there":    {[]string{"LARDER_PRIMARY=postgres://u:s3cret@127.0.0.1:1/x"}, exitFailed, "larder: LARDER_PRIMARY: the database can't be reached"},
		"no such address": {[]string{"LARDER_PRIMARY=postgres://u:s3cret@127.0.0.1:1/x?sslmode=maybe"}, exitUsage, "larder: LARDER_PRIMARY: the URL is not one of PostgreSQL"},
		"by variables":    {[]string{"POSTGRES_HOST=127.0.0.1", "POSTGRES_PORT=1", "POSTGRES_PASSWORD=s3cret"}, exitFailed, "larder: LARDER_PRIMARY: the database can't be reached"},
	} {
		r := call(t, append(tt.env, "LARDER_LISTEN=127.0.0.1:0", "LARDER_LOG_LEVEL=error"), "", "serve")
		if r.code != tt.code || !strings.Contains(r.err, tt.want) || strings.Contains(r.err+r.out, "s3cret") {
			t.Errorf("%s: exits with %d:\n%s%s", name, r.code, r.out, r.err)
		}
	}
}
