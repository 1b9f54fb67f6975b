package redisstore

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/rueidis"

	"larder/internal/store"
)

// address is where a Redis is, and as whom to go there.
type address struct {
	kind     deployment
	hosts    []string // host:port; the sentinels' where there are such
	user     string
	password string
	db       int
	master   string // the name that the sentinels know the master by

	sentinelUser, sentinelPassword string

	tls *tlsFiles // nil: in the clear
}

// deployment is how many servers there are, and who says which of them to ask.
type deployment string

const (
	standalone deployment = "standalone"
	sentinel   deployment = "sentinel"
	cluster    deployment = "cluster"
)

// form is what the address of a deployment looks like.
type form struct {
	kind    deployment
	tls     bool
	port    string // where none is given
	example string
}

func forms() map[string]form {
	return map[string]form{
		"redis":           {standalone, false, "6379", "redis://user@host:6379/0"},
		"rediss":          {standalone, true, "6379", "rediss://user@host:6379/0"},
		"redis+sentinel":  {sentinel, false, "26379", "redis+sentinel://user@host1:26379,host2:26379/master/0"},
		"rediss+sentinel": {sentinel, true, "26379", "rediss+sentinel://user@host1:26379,host2:26379/master/0"},
		"redis+cluster":   {cluster, false, "6379", "redis+cluster://user@host1:6379,host2:6379"},
		"rediss+cluster":  {cluster, true, "6379", "rediss+cluster://user@host1:6379,host2:6379"},
	}
}

// parseAddress reads a URL:
//
//	redis://[user[:password]@]host[:6379][/db]
//	redis+sentinel://[user[:password]@]host[:26379][,host…]/master[/db]
//	redis+cluster://[user[:password]@]host[:6379][,host…]
//
// and rediss for TLS. Sentinels are told who comes by the parameters
// sentinel_username and sentinel_password; those of TLS are tlsFiles'. What is
// wrong is told as what would be right, and nothing of the URL is shown but
// the name of a parameter.
func parseAddress(text string) (address, error) {
	scheme, rest, _ := strings.Cut(text, "://")
	like, known := forms()[scheme]
	if !known {
		return address{}, wrongURL("the URL is not one of Redis, such as " + forms()["redis"].example)
	}
	u, hosts, wrong := like.split(scheme, rest)
	if wrong != "" {
		return address{}, wrongURL(wrong)
	}
	a := address{kind: like.kind, hosts: hosts, user: u.User.Username()}
	a.password, _ = u.User.Password()
	if wrong := a.readPath(u.EscapedPath(), like); wrong != "" {
		return address{}, wrongURL(wrong)
	}
	given, wrong := readParameters(u.RawQuery, like)
	if wrong != "" {
		return address{}, wrongURL(wrong)
	}
	a.sentinelUser, a.sentinelPassword = given["sentinel_username"], given["sentinel_password"]
	if like.tls {
		a.tls, wrong = readTLSFiles(given)
	}
	if wrong != "" {
		return address{}, wrongURL(wrong)
	}
	return a, nil
}

func wrongURL(detail string) *store.Error {
	return &store.Error{Code: store.InvalidOperation, Field: "url", Detail: detail}
}

// split takes the hosts out of a URL, which may name several, and gives the
// rest of it with the first of them.
func (f form) split(scheme, rest string) (u *url.URL, hosts []string, wrong string) {
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	from := strings.LastIndexByte(rest[:end], '@') + 1
	names := strings.Split(rest[from:end], ",")
	if len(names) > 1 && f.kind == standalone {
		return nil, nil, "the URL has one host; several are those of a Redis Cluster, as in " + forms()[scheme+"+cluster"].example +
			", or of sentinels, as in " + forms()[scheme+"+sentinel"].example
	}
	for _, name := range names {
		u, err := url.Parse(scheme + "://" + name)
		if err != nil || u.User != nil {
			return nil, nil, f.unreadable() // the cause shows the URL
		}
		port := u.Port()
		if port == "" {
			port = f.port
		}
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 || u.Hostname() == "" || strings.HasSuffix(u.Host, ":") {
			return nil, nil, "each host of the URL is a name or an address, and its port lies between 1 and 65535, as in " + f.example
		}
		hosts = append(hosts, net.JoinHostPort(u.Hostname(), port))
	}
	u, err := url.Parse(scheme + "://" + rest[:from] + names[0] + rest[end:])
	if err != nil || strings.Contains(rest, "#") {
		return nil, nil, f.unreadable()
	}
	return u, hosts, ""
}

func (f form) unreadable() string {
	return "the URL can't be read; it looks like " + f.example + ", and in a user and a password each of : / ? # @ % is written as % and two hexadecimal digits"
}

// readPath reads the master's name and the number of the database.
func (a *address) readPath(path string, like form) (wrong string) {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	if a.kind == sentinel {
		name, err := url.PathUnescape(parts[0])
		if err != nil || name == "" {
			return "the URL's path names the master that the sentinels watch, as in " + like.example
		}
		a.master, parts = name, parts[1:]
	}
	text := strings.Join(parts, "/")
	if text == "" {
		return ""
	}
	db, err := strconv.ParseUint(text, 10, 31)
	switch {
	case err != nil:
		return "the URL's path ends with the number of a database, as in " + like.example
	case a.kind == cluster && db != 0:
		return "a Redis Cluster has no database but 0: leave the URL's path away, as in " + like.example
	}
	a.db = int(db)
	return ""
}

// readParameters gives the parameters that a URL of this form may have.
func readParameters(query string, like form) (given map[string]string, wrong string) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, like.unreadable()
	}
	var known []string
	if like.kind == sentinel {
		known = append(known, "sentinel_username", "sentinel_password")
	}
	if like.tls {
		known = append(known, tlsParameters...)
	}
	given = make(map[string]string, len(values))
	for name, texts := range values {
		switch {
		case !slices.Contains(known, name) && len(known) == 0:
			return nil, fmt.Sprintf("the URL has the parameter %q, and one such as %s has none", name, like.example)
		case !slices.Contains(known, name):
			return nil, fmt.Sprintf("the URL has the parameter %q; those that one such as %s may have are %s", name, like.example, strings.Join(known, ", "))
		case len(texts) != 1 || texts[0] == "":
			return nil, fmt.Sprintf("the URL's parameter %q has one value", name)
		}
		given[name] = texts[0]
	}
	return given, ""
}

// scheme begins the URL of a deployment by which larder would go there as it goes
// here, by TLS or in the clear.
func (a address) scheme(of deployment) string {
	scheme := "redis"
	if a.tls != nil {
		scheme = "rediss"
	}
	if of != standalone {
		scheme += "+" + string(of)
	}
	return scheme + "://"
}

// clientOption is the address as the client library has it.
func (a address) clientOption() rueidis.ClientOption {
	o := rueidis.ClientOption{
		InitAddress:       slices.Clone(a.hosts), // the client shuffles it in place
		Username:          a.user,
		Password:          a.password,
		SelectDB:          a.db,
		ForceSingleClient: a.kind == standalone,
		ShuffleInit:       a.kind == cluster,
		TLSConfig:         a.tls.config(),
	}
	if a.kind == sentinel {
		o.Sentinel = rueidis.SentinelOption{
			MasterSet: a.master,
			Username:  a.sentinelUser, Password: a.sentinelPassword,
			TLSConfig: a.tls.config(),
		}
	}
	return o
}
