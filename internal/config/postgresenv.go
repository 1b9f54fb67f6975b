package config

import (
	"cmp"
	"net"
	"net/url"
	"strings"
)

// postgresVariables are those of PostgreSQL's images.
func postgresVariables() variables {
	return variables{
		prefix: "POSTGRES_",
		names:  []string{"HOST", "PORT", "DB", "USER", "PASSWORD"},
		address: func(text map[string]string) (address, name, wrong string) {
			address, wrong = postgresURL(text["HOST"], text["PORT"], text["USER"], text["PASSWORD"], text["DB"])
			return address, "PORT", wrong
		},
	}
}

// postgresURL writes an address. host may be the directory of a socket, or
// several with commas between, of which the one that takes writes is meant.
func postgresURL(host, port, user, password, database string) (address, wrong string) {
	port = cmp.Or(port, "5432")
	if wrong := checkPort(port); wrong != "" {
		return "", wrong
	}
	user = cmp.Or(user, "postgres")
	u := url.URL{Scheme: "postgres", User: url.User(user), Path: "/" + cmp.Or(database, user)}
	if password != "" {
		u.User = url.UserPassword(user, password)
	}
	if strings.HasPrefix(host, "/") {
		u.RawQuery = url.Values{"host": {host}, "port": {port}}.Encode()
		return u.String(), ""
	}
	var hosts []string
	for one := range strings.SplitSeq(host, ",") {
		hosts = append(hosts, net.JoinHostPort(strings.Trim(strings.TrimSpace(one), "[]"), port))
	}
	u.Host = strings.Join(hosts, ",")
	if len(hosts) > 1 {
		u.RawQuery = "target_session_attrs=read-write"
	}
	return u.String(), ""
}
