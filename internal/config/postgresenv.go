package config

import (
	"cmp"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// postgresVariables are those that PostgreSQL's images and many services that
// use it are configured by.
var postgresVariables = []string{"HOST", "PORT", "DB", "USER", "PASSWORD"}

const postgresPrefix = "POSTGRES_"

// readPostgresVariables makes an address of POSTGRES_HOST and its like. found
// is false where POSTGRES_HOST is not set: whatever the others are, they are
// meant for others.
func readPostgresVariables(environ []string) (primary given, found bool, problems []Problem) {
	var set []given
	for _, variable := range environ {
		name, text, _ := strings.Cut(variable, "=")
		short, theirs := strings.CutPrefix(name, postgresPrefix)
		if !theirs || text == "" || isServiceLink(envPrefix+name, text) {
			continue
		}
		for _, known := range postgresVariables {
			if short == known || short == known+"_FILE" {
				set = append(set, given{name: short, text: text, where: name, origin: "env"})
			}
		}
	}
	isHost := func(g given) bool { return strings.TrimSuffix(g.name, "_FILE") == "HOST" }
	for _, g := range set {
		found = found || isHost(g)
	}
	if !found {
		return given{}, false, nil
	}
	values, problems := resolveFiles(set)
	text := make(map[string]string, len(values))
	for _, g := range values {
		text[g.name] = g.text
	}
	address, wrong := postgresURL(text["HOST"], text["PORT"], text["USER"], text["PASSWORD"], text["DB"])
	if wrong != "" && len(problems) == 0 {
		problems = append(problems, Problem{postgresPrefix + "PORT", wrong})
	}
	return given{name: "PRIMARY", text: address, where: postgresPrefix + "HOST", origin: "env"}, true, problems
}

// postgresURL writes an address. host may be the directory of a socket, or
// several with commas between, of which the one that takes writes is meant.
func postgresURL(host, port, user, password, database string) (address, wrong string) {
	port = cmp.Or(port, "5432")
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", strconv.Quote(port) + " is not a port; one lies between 1 and 65535"
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
