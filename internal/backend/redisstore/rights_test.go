package redisstore

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"larder/internal/store"
	"larder/internal/store/storetest"
	"larder/internal/testenv"
)

// userOf makes a user of a server that has some rights and no others, and gives the
// URL by which it comes.
func userOf(t testing.TB, server *testenv.RedisServer, name string, rights ...string) string {
	t.Helper()
	server.Do(t, slices.Concat([]string{"ACL", "SETUSER", name, "reset", "on", ">pw"}, rights)...)
	u := url.URL{Scheme: "redis", User: url.UserPassword(name, "pw"), Host: server.Address}
	return u.String()
}

// grants are the rights of a store's as ACL SETUSER takes them.
func grants(s *Store) []string {
	var all []string
	for _, right := range s.rightsOf() {
		name, _, _ := strings.Cut(right, " ")
		all = append(all, "+"+name)
	}
	return all
}

// TestUserWithoutMoreRights serves under a user that may do what it has to, no more.
func TestUserWithoutMoreRights(t *testing.T) {
	server := testenv.StartRedis(t, testenv.RedisOptions{})
	own := slices.Concat(grants(&Store{cache: &cache{}}), messageRights(), []string{"+config|get", "~test-*"})
	address := userOf(t, server, "larder", own...)
	site := func(t testing.TB) testenv.RedisSite {
		return testenv.RedisSite{URL: address, Prefix: testenv.Redis(t).Prefix}
	}
	h := withCache(site)
	h.After = nil // it looks at more than larder may
	storetest.Run(t, h)
	for _, lost := range server.Do(t, "ACL", "LOG").([]any) {
		t.Errorf("it was refused something: %v", lost)
	}
}

// TestUsersOfDeployments do so behind sentinels, in a Cluster, and in another database.
func TestUsersOfDeployments(t *testing.T) {
	t.Parallel()
	single := testenv.StartRedis(t, testenv.RedisOptions{})
	watched := testenv.StartSentinel(t, testenv.RedisOptions{})
	inCluster := testenv.StartRedisCluster(t, testenv.RedisOptions{})
	for _, c := range []struct {
		of    address
		url   string
		nodes []*testenv.RedisServer
	}{
		{address{kind: standalone, db: 1}, "redis://" + single.Address + "/1", []*testenv.RedisServer{single}},
		{address{kind: sentinel}, watched.URL, watched.Nodes},
		{address{kind: cluster}, inCluster.URL, inCluster.Nodes},
	} {
		own := append(grants(&Store{cache: &cache{}, address: c.of}), "+config|get", "~larder{*")
		for _, node := range c.nodes {
			userOf(t, node, "larder", own...)
		}
		f := openWith(t, Options{URL: strings.Replace(c.url, "://", "://larder:pw@", 1), CacheBytes: 1 << 20, ReplyTimeout: 10 * time.Second})
		for i := range 64 {
			key := strings.Repeat("k", i+1)
			f.apply(put(key, `1`))
			f.recent(key)
		}
		inspect(t, f.Store)
		for _, node := range c.nodes {
			for _, lost := range node.Do(t, "ACL", "LOG").([]any) {
				t.Errorf("%s: it was refused something: %v", c.url, lost)
			}
		}
	}
}

// TestUserWithTooFewRights is refused before it can leave half a write behind.
func TestUserWithTooFewRights(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t, testenv.RedisOptions{})
	own := append(grants(&Store{cache: &cache{}}), "~larder{*")
	for _, c := range []struct {
		without []string
		want    string
	}{
		{[]string{"-zrem"}, "grant it +zrem"},
		{[]string{"-hset", "-hsetnx"}, "grant it +hset +hsetnx"},
		{[]string{"-client|caching"}, "grant it +client|caching"},
		{[]string{"-info"}, "grant it +info"},
		{[]string{"-evalsha_ro"}, "grant it +evalsha_ro"},
		{[]string{"resetkeys"}, "grant it ~larder{*"},
		{[]string{"resetkeys", "%R~larder{*"}, "grant it +del +hdel"},
		{[]string{"-client"}, "client|tracking; LARDER_REDIS_CACHE=0 does without"},
	} {
		address := userOf(t, server, "larder", slices.Concat(own, c.without)...)
		_, err := Open(t.Context(), Options{URL: address, CacheBytes: 1 << 20, ReplyTimeout: 10 * time.Second})
		if e := store.AsError(err); e == nil || e.Code != store.Unavailable || e.Field == "" || !strings.Contains(e.Detail, c.want) {
			t.Errorf("%v: got %v, want %q", c.without, err, c.want)
		}
	}
	if keys, ok := server.Do(t, "KEYS", "*").([]any); !ok || len(keys) != 0 {
		t.Errorf("keys are left: %v", keys)
	}
	address := userOf(t, server, "larder", append(own, "-client")...)
	if s := openWith(t, Options{URL: address, ReplyTimeout: 10 * time.Second}); s.Ping(t.Context()) != nil {
		t.Error("without a memory it needs rights for one")
	}
}

var (
	calledByScripts = regexp.MustCompile(`call\('([A-Z_]+)'`)
	builtByStore    = regexp.MustCompile(`\.B\(\)\.([A-Z][a-z]+)\(`)
)

// TestRightsAreAll finds every command that a script or the store itself runs among
// the rights.
func TestRightsAreAll(t *testing.T) {
	var known []string
	for _, right := range rights() {
		name, _, _ := strings.Cut(right, " ")
		known = append(known, name)
	}
	optional := []string{"cluster", "config", "publish"} // done without, or only in a Cluster, or for messages
	found := 0
	for pattern, commands := range map[string]*regexp.Regexp{"lua/*.lua": calledByScripts, "*.go": builtByStore} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range commands.FindAllStringSubmatch(string(text), -1) {
				found++
				if name := strings.ToLower(match[1]); !slices.Contains(known, name) && !slices.ContainsFunc(optional, func(o string) bool { return strings.HasPrefix(name, o) }) {
					t.Errorf("%s runs %s, which is no right", path, name)
				}
			}
		}
	}
	if found == 0 {
		t.Error("no command was found")
	}
}
