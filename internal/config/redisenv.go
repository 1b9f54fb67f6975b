package config

import (
	"cmp"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// redisVariables are those that services which use Redis have in common.
func redisVariables() variables {
	return variables{
		prefix: "REDIS_",
		names:  []string{"HOST", "PORT", "USERNAME", "PASSWORD", "DB"},
		address: func(text map[string]string) (address, name, wrong string) {
			host, port, db := strings.Trim(text["HOST"], "[]"), cmp.Or(text["PORT"], "6379"), text["DB"]
			if wrong := checkRedisHost(host); wrong != "" {
				return "", "HOST", wrong // not shown: it may be a URL with a password
			}
			if wrong := checkPort(port); wrong != "" {
				return "", "PORT", wrong
			}
			if _, err := strconv.ParseUint(db, 10, 31); db != "" && err != nil {
				return "", "DB", strconv.Quote(db) + " is not the number of a database, such as 0"
			}
			return redisURL(host, port, text["USERNAME"], text["PASSWORD"], db), "", ""
		},
	}
}

// redisURL writes the address of one server.
func redisURL(host, port, user, password, db string) string {
	u := url.URL{Scheme: "redis", Host: net.JoinHostPort(host, port), Path: "/" + db}
	switch {
	case password != "":
		u.User = url.UserPassword(user, password)
	case user != "":
		u.User = url.User(user)
	}
	return strings.TrimSuffix(u.String(), "/")
}

func checkRedisHost(host string) string {
	if strings.Contains(host, ",") {
		return "this is one host; several are given by LARDER_PRIMARY, as redis+cluster://host1:6379,host2:6379 or redis+sentinel://host1:26379,host2:26379/master"
	}
	if _, err := netip.ParseAddr(host); err != nil && strings.ContainsAny(host, ":/?#[]@%\\ \t") {
		return "this is the name or the address of a host; its port goes into REDIS_PORT, and a URL into LARDER_PRIMARY"
	}
	return ""
}
