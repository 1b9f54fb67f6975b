package redisstore

import (
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/testenv"
)

// TestOpenSaysWhatIsWrong refuses, at the start, what no waiting helps against, and
// says what would be right.
func TestOpenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t, testenv.RedisOptions{})
	secret := testenv.StartRedis(t, testenv.RedisOptions{Password: "s3cret"})
	inCluster, watched := testenv.RedisCluster(t).URL, testenv.RedisSentinel(t).URL
	node, _, _ := strings.Cut(strings.TrimPrefix(inCluster, "redis+cluster://"), ",")
	aSentinel, _, _ := strings.Cut(strings.TrimPrefix(watched, "redis+sentinel://"), ",")
	for _, c := range []struct{ url, want string }{
		{"redis://" + server.Address + "/99", "no database of that number"},
		{"redis://" + node, "a node of a Redis Cluster, whose URL begins with redis+cluster://"},
		{"redis://" + node + "/1", "a node of a Redis Cluster, whose URL begins with redis+cluster:// and has no number of a database"},
		{"redis+cluster://" + server.Address, "no node of a Redis Cluster; the URL of a Redis for itself begins with redis://"},
		{"redis+cluster://" + server.Address + "," + secret.Address, "no node of a Redis Cluster"},
		{"redis://" + aSentinel, "a sentinel; its URL begins with redis+sentinel://"},
		{"redis+sentinel://" + server.Address + "/main", "no sentinel; the URL of a Redis without sentinels begins with redis://"},
		{strings.Replace(watched, "/main", "/other", 1), "no master by the name"},
		{"redis+sentinel://" + secret.Address + "/main", "asks for a password; what sentinels ask for"},
		{"redis://" + secret.Address, "asks for a password"},
		{"redis://:wr0ng@" + secret.Address, "refuses the user or the password"},
	} {
		s, err := Open(t.Context(), Options{URL: c.url, Prefix: t.Name(), Name: "mine", ReplyTimeout: 10 * time.Second})
		if err == nil {
			t.Errorf("%s: it is opened", c.url)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			continue
		}
		e := store.AsError(err)
		if e.Code != store.Unavailable || e.Field != "url" || e.Backend != "mine" || !strings.Contains(e.Detail, c.want) {
			t.Errorf("%s: got %q in %s of %s (%v), want %q", c.url, e.Detail, e.Field, e.Backend, err, c.want)
		}
	}
}

func TestWrongOptionsNameTheStore(t *testing.T) {
	for _, o := range []Options{{URL: "redis://"}, {URL: "redis://host", Prefix: "{"}, {URL: "redis://host", Shards: MaxShards + 1}} {
		o.Name = "mine"
		_, err := Open(t.Context(), o)
		if e := store.AsError(err); e == nil || e.Code != store.InvalidOperation || e.Backend != "mine" || e.Detail == "" {
			t.Errorf("%+v: got %v", o, err)
		}
	}
}

// TestOpenWaitsForWhatMayPass opens a store where the server may come to serve, and
// tells those who ask why it does not.
func TestOpenWaitsForWhatMayPass(t *testing.T) {
	t.Parallel()
	master := testenv.StartRedis(t, testenv.RedisOptions{})
	replica := testenv.StartRedis(t, testenv.RedisOptions{Settings: map[string]string{"replicaof": "127.0.0.1 " + strconv.Itoa(master.Port)}})
	full := testenv.StartRedis(t, testenv.RedisOptions{Settings: map[string]string{"maxclients": "1"}})
	held, err := Open(t.Context(), Options{URL: full.URL, ReplyTimeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ url, want string }{
		{replica.URL, "is a replica"},
		{full.URL, ""}, // which may hang up before it has said so
		{"redis://127.0.0.1:1", "can't be reached"},
	} {
		s := openWith(t, Options{URL: c.url, ReplyTimeout: 10 * time.Second})
		if e := store.AsError(s.Ping(t.Context())); e == nil || e.Code != store.Unavailable || !strings.Contains(e.Detail, c.want) {
			t.Errorf("%s: got %v, want %q", c.url, e, c.want)
		}
		switch c.url {
		case replica.URL:
			replica.Do(t, "REPLICAOF", "NO", "ONE")
		case full.URL:
			if err := held.Close(); err != nil {
				t.Fatal(err)
			}
		default:
			continue
		}
		poll(t, c.url+" to serve", func() bool { return s.Ping(t.Context()) == nil })
	}
}

// TestOpenTellsWhatIsWrongWithTLS tells a certificate that is not trusted, by either
// side, from a server that can't be reached.
func TestOpenTellsWhatIsWrongWithTLS(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t, testenv.RedisOptions{})
	ca, other := newAuthority(t, server.Dir), newAuthority(t, t.TempDir())
	address := serveTLS(t, server, ca)
	cert, key := ca.certificate("larder")
	foreignCert, foreignKey := other.certificate("larder")
	right := url.Values{"ca": {ca.path}, "cert": {cert}, "key": {key}, "server_name": {"redis.example"}}
	for _, c := range []struct {
		what   string
		change url.Values
		want   string
	}{
		{"no authority", url.Values{"ca": nil}, "of no authority that is trusted; the URL's parameter ca"},
		{"another authority", url.Values{"ca": {other.path}}, "of no authority that is trusted"},
		{"another host", url.Values{"server_name": nil}, "not for the host in the URL; the parameter server_name"},
		{"no certificate", url.Values{"cert": nil, "key": nil}, "are the URL's parameters cert and key"},
		{"a foreign certificate", url.Values{"cert": {foreignCert}, "key": {foreignKey}}, "are the URL's parameters cert and key"},
	} {
		given := url.Values{}
		for name := range right {
			values, changed := c.change[name]
			if !changed {
				values = right[name]
			}
			if values != nil {
				given[name] = values
			}
		}
		s, err := Open(t.Context(), Options{URL: "rediss://" + address + "?" + given.Encode(), ConnectTimeout: 10 * time.Second, ReplyTimeout: 10 * time.Second})
		e := store.AsError(err)
		if err == nil { // the server's refusal was lost as it hung up
			e = s.refused.Load()
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		if e == nil || e.Code != store.Unavailable || !strings.Contains(e.Detail, c.want) || (e.Field == "url") != (err != nil) {
			t.Errorf("%s: got %v, want %q", c.what, e, c.want)
		}
	}

	// These may be servers that are slow, or that are being restarted.
	for u, want := range map[string]string{
		"rediss://" + server.Address: "TLS does not come about",
		"redis://" + address:         "begins with rediss",
	} {
		s := openWith(t, Options{URL: u, ReplyTimeout: 10 * time.Second})
		if last := s.refused.Load(); last == nil || !strings.Contains(last.Detail, want) {
			t.Errorf("%s: got %v, want %q", u, last, want)
		}
		_, err := s.Apply(t.Context(), store.Batch{Ops: []store.Op{put("k", `1`)}})
		fails(t, u, err, store.Unavailable)
	}
}

// TestUnsentWritesAreNotAmbiguous has the server's certificate stop being trusted
// while larder runs: what can't be sent has not happened.
func TestUnsentWritesAreNotAmbiguous(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t, testenv.RedisOptions{})
	elsewhere := filepath.Join(server.Dir, "other") // which the server can read
	if err := os.Mkdir(elsewhere, 0o755); err != nil {
		t.Fatal(err)
	}
	ca, other := newAuthority(t, server.Dir), newAuthority(t, elsewhere)
	address := serveTLS(t, server, ca)
	cert, key := ca.certificate("larder")
	f := openWith(t, Options{
		URL:          "rediss://" + address + "?" + url.Values{"ca": {ca.path}, "cert": {cert}, "key": {key}, "server_name": {"redis.example"}}.Encode(),
		ReplyTimeout: 10 * time.Second,
	})
	f.apply(put("k", `1`))
	foreignCert, foreignKey := other.certificate("redis.example")
	server.Do(t, "CONFIG", "SET", "tls-cert-file", foreignCert, "tls-key-file", foreignKey)
	server.Do(t, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
	poll(t, "a write that is refused", func() bool {
		_, err := f.Apply(t.Context(), store.Batch{Ops: []store.Op{put("k", `2`)}})
		return store.CodeOf(err) == store.Unavailable
	})
	if n := f.tallies.unknown.Load(); n > 1 { // the one that finds the link broken
		t.Errorf("%d writes of which nobody knows", n)
	}
}
