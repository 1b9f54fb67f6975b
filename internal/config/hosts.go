package config

import (
	"net/url"
	"strings"
)

// mayHaveHosts says whether the address is of a kind that may name several
// hosts, with commas between.
func mayHaveHosts(address string) bool { return isPostgres(address) || isRedis(address) }

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
	if !isURL || comma < 0 || !mayHaveHosts(text) {
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
