package redisstore

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/redis/rueidis"
	"pgregory.net/rapid"

	"larder/internal/store"
)

func TestAddresses(t *testing.T) {
	tests := map[string]rueidis.ClientOption{
		"redis://cache":                            {InitAddress: []string{"cache:6379"}, ForceSingleClient: true},
		"redis://127.0.0.1:7000/":                  {InitAddress: []string{"127.0.0.1:7000"}, ForceSingleClient: true},
		"redis://[::1]/3":                          {InitAddress: []string{"[::1]:6379"}, SelectDB: 3, ForceSingleClient: true},
		"redis://:s3cret@cache:1":                  {InitAddress: []string{"cache:1"}, Password: "s3cret", ForceSingleClient: true},
		"redis://ada@cache":                        {InitAddress: []string{"cache:6379"}, Username: "ada", ForceSingleClient: true},
		"redis://a%3Ad%40a:s%2F3%25@[fe80::1]:1/0": {InitAddress: []string{"[fe80::1]:1"}, Username: "a:d@a", Password: "s/3%", ForceSingleClient: true},
		"redis+sentinel://s1,s2:5,[::1]/mine": {
			InitAddress: []string{"s1:26379", "s2:5", "[::1]:26379"}, Sentinel: rueidis.SentinelOption{MasterSet: "mine"},
		},
		"redis+sentinel://ada:s3cret@s1:1/mine/2?sentinel_username=eve&sentinel_password=h%26m": {
			InitAddress: []string{"s1:1"}, Username: "ada", Password: "s3cret", SelectDB: 2,
			Sentinel: rueidis.SentinelOption{MasterSet: "mine", Username: "eve", Password: "h&m"},
		},
		"redis+sentinel://s1/a%2Fb/": {InitAddress: []string{"s1:26379"}, Sentinel: rueidis.SentinelOption{MasterSet: "a/b"}},
		"redis+cluster://n1":         {InitAddress: []string{"n1:6379"}, ShuffleInit: true},
		"redis+cluster://ada:s3cret@n1:1,n2:2/0": {
			InitAddress: []string{"n1:1", "n2:2"}, Username: "ada", Password: "s3cret", ShuffleInit: true,
		},
	}
	for text, want := range tests {
		a, err := parseAddress(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, want := fmt.Sprintf("%+v", a.clientOption()), fmt.Sprintf("%+v", want); got != want {
			t.Errorf("%s is read as\n%s\nwant\n%s", text, got, want)
		}
	}
}

func TestWrongAddresses(t *testing.T) {
	tests := []struct{ text, wrong string }{
		{"", "not one of Redis, such as redis://user@host:6379/0"},
		{"s3cret", "not one of Redis"},
		{"redis:s3cret", "not one of Redis"},
		{"redis+tls://s3cret@host", "not one of Redis"},
		{"redis://", "each host of the URL"},
		{"redis:///0", "each host of the URL"},
		{"redis://:s3cret@/0", "each host of the URL"},
		{"redis://:s3cret@:6379", "each host of the URL"},
		{"redis://:s3cret@host:", "each host of the URL"},
		{"redis://:s3cret@host:0", "between 1 and 65535"},
		{"redis://:s3cret@host:65536", "between 1 and 65535"},
		{"redis+cluster://:s3cret@a,,b", "each host of the URL"},
		{"redis://u:s3/cret@host", "the URL can't be read; it looks like redis://user@host:6379/0"},
		{"redis://u:s3#cret@host", "the URL can't be read"},
		{"redis://u:s3?cret@host", "the URL can't be read"},
		{"redis://u:s3cret%zz@host", "the URL can't be read"},
		{"redis://u:s3cret@host/0#x", "the URL can't be read"},
		{"redis://host:s3cret", "the URL can't be read"},
		{"redis://u:s3cret@host/larder", "the number of a database"},
		{"redis://u:s3cret@host/-1", "the number of a database"},
		{"redis://u:s3cret@host/1/2", "the number of a database"},
		{"redis://u:s3cret@host/2147483648", "the number of a database"},
		{"redis://u:s3cret@a:1,b:2/0", "several are those of a Redis Cluster, as in redis+cluster://"},
		{"rediss://u:s3cret@a,b", "as in rediss+sentinel://"},
		{"redis+sentinel://u:s3cret@a,b", "names the master"},
		{"redis+sentinel://u:s3cret@a,b/", "names the master"},
		{"redis+sentinel://u:s3cret@a/mine/x", "the number of a database"},
		{"redis+cluster://u:s3cret@a/1", "no database but 0"},
		{"redis://host?db=s3cret", `the parameter "db", and one such as redis://user@host:6379/0 has none`},
		{"redis://host?ca=/s3cret", `the parameter "ca"`},
		{"redis+cluster://host?sentinel_password=s3cret", `the parameter "sentinel_password"`},
		{"redis+sentinel://host/m?password=s3cret", `the parameter "password"; those that one such as redis+sentinel://`},
		{"rediss://host?verify=s3cret", "may have are ca, cert, key, server_name"},
		{"rediss+sentinel://host/m?verify=s3cret", "may have are sentinel_username, sentinel_password, ca, cert, key, server_name"},
		{"redis+sentinel://host/m?sentinel_password=s3cret&sentinel_password=s3cret", `"sentinel_password" has one value`},
		{"redis+sentinel://host/m?sentinel_password=", `"sentinel_password" has one value`},
		{"redis+sentinel://host/m?sentinel_password=s3cret%zz", "the URL can't be read"},
		{"redis+sentinel://host/m?sentinel_password=s3cret;x", "the URL can't be read"},
	}
	for _, test := range tests {
		_, err := parseAddress(test.text)
		e := store.AsError(err)
		if e == nil || e.Code != store.InvalidOperation || e.Field != "url" || !strings.Contains(e.Detail, test.wrong) {
			t.Errorf("%s: got %v, want %s", test.text, err, test.wrong)
		}
		if err != nil && (strings.Contains(err.Error(), "s3") || strings.Contains(err.Error(), "cret")) {
			t.Errorf("%s: a secret is shown: %v", test.text, err)
		}
	}
}

func TestUserAndPasswordComeThrough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[^\x00-\x1f]{0,12}`)
		user, password, master := text.Draw(t, "user"), text.Draw(t, "password"), "m"+text.Draw(t, "master")
		hosts := rapid.SliceOfN(rapid.SampledFrom([]string{"a:1", "b.example:2", "[::1]:3"}), 1, 4).Draw(t, "hosts")
		u := url.URL{Scheme: "redis+sentinel", User: url.UserPassword(user, password), Host: strings.Join(hosts, ",")}
		address := fmt.Sprintf("%s/%s/7?%s", u.String(), url.PathEscape(master), url.Values{"sentinel_password": {"p" + password}}.Encode())
		a, err := parseAddress(address)
		if err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		if a.user != user || a.password != password || a.master != master || a.db != 7 || a.sentinelPassword != "p"+password || !slices.Equal(a.hosts, hosts) {
			t.Errorf("%s is read as %+v", address, a)
		}
	})
}
