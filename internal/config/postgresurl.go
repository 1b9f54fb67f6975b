package config

import (
	"fmt"
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

// checkPostgresURL says what is wrong with an address; it shows nothing of it.
func checkPostgresURL(address string) string {
	if _, _, err := parseURL(address); err != nil || !isPostgres(address) {
		return "not a URL of a PostgreSQL database, such as postgres://user@host:5432/database"
	}
	return ""
}

func (c Config) checkReplicas() string {
	if n := c.databases(); len(c.PostgresReplicaURLs) > 0 && n != 1 {
		return fmt.Sprintf("replicas are of a PostgreSQL backend that is the only one, and there are %d", n)
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
