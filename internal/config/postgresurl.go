package config

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// URLs are several addresses in one setting: between spaces, or between commas
// where a scheme follows, since an address of several hosts has commas too.
type URLs []string

// UnmarshalText reads a list.
func (u *URLs) UnmarshalText(text []byte) error {
	*u = strings.Fields(betweenURLs.ReplaceAllString(string(text), " $1"))
	return nil
}

// String writes it with spaces.
func (u URLs) String() string { return strings.Join(u, " ") }

var betweenURLs = regexp.MustCompile(`,\s*([a-z]+://)`)

// postgresSchemes begin the address of a PostgreSQL database.
var postgresSchemes = []string{"postgres://", "postgresql://"}

func isPostgres(address string) bool {
	for _, scheme := range postgresSchemes {
		if strings.HasPrefix(address, scheme) {
			return true
		}
	}
	return false
}

// parseURL reads a URL, which may name several hosts as libpq's do
// (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING,
// 34.1.1.3); the URL then has the first of them, and others are the rest.
func parseURL(text string) (u *url.URL, others string, err error) {
	scheme, rest, isURL := strings.Cut(text, "://")
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	hosts := strings.LastIndexByte(rest[:end], '@') + 1
	comma := strings.IndexByte(rest[hosts:end], ',')
	if !isURL || comma < 0 || !isPostgres(text) {
		u, err = url.Parse(text)
		return u, "", err
	}
	others = rest[hosts+comma : end]
	for host := range strings.SplitSeq(others[1:], ",") {
		if _, err := url.Parse(scheme + "://" + host); err != nil {
			return nil, "", err
		}
	}
	u, err = url.Parse(scheme + "://" + rest[:hosts+comma] + rest[end:])
	return u, others, err
}

// checkPostgresURL says what is wrong with an address; it shows nothing of it.
func checkPostgresURL(address string) string {
	if _, _, err := parseURL(address); err != nil || !isPostgres(address) {
		return "not a URL of a PostgreSQL database, such as postgres://user@host:5432/database"
	}
	return ""
}

func (c Config) checkReplicas() string {
	if len(c.PostgresReplicaURLs) > 0 && !isPostgres(c.Primary) {
		return "replicas are of a PostgreSQL primary, and LARDER_PRIMARY is none"
	}
	for i, address := range c.PostgresReplicaURLs {
		if wrong := checkPostgresURL(address); wrong != "" {
			return fmt.Sprintf("the %d. address is %s", i+1, wrong)
		}
	}
	return ""
}

func (c Config) checkSQLURL() string {
	if c.PostgresSQLURL == "" {
		return ""
	}
	return checkPostgresURL(c.PostgresSQLURL)
}

// checkSchema holds a schema's name to what PostgreSQL takes: 63 bytes, and
// not those that it keeps for itself.
func (c Config) checkSchema() string {
	name := c.PostgresSchema
	switch {
	case name == "" || len(name) > 63 || strings.ContainsRune(name, 0) || strings.ToValidUTF8(name, "") != name:
		return "the name of a schema has 1 to 63 bytes of UTF-8"
	case strings.HasPrefix(name, "pg_") || name == "information_schema":
		return fmt.Sprintf("%q is a schema of PostgreSQL's own", name)
	}
	return ""
}
