package docs

import (
	"regexp"
	"strings"
	"testing"

	"larder/internal/testenv"
)

// Where a reader's PostgreSQL listens, its standby, and a Redis.
const (
	shownServer  = "127.0.0.1:5432"
	shownStandby = "127.0.0.1:5433"
	shownRedis   = "127.0.0.1:6379"
)

// overServer is how a page says that its larder serves from a server, from there on.
var overServer = regexp.MustCompile(`^(LARDER_PRIMARY=(postgres|redis)://\S+(?: LARDER_\S+)*) larder serve$`)

// serving is what a command that is so says.
type serving struct{ settings, engine string }

// servesOver reads a command that is so.
func servesOver(c command) (s serving, serves bool) {
	if found := overServer.FindStringSubmatch(c.text); found != nil {
		return serving{settings: found[1], engine: found[2]}, true
	}
	return serving{}, false
}

// servers are a page's own; all nil where its larder has a file.
type servers struct {
	primary, standby *testenv.PostgresServer
	redis            *testenv.RedisServer
}

// serversFor starts the servers that a page's commands name.
func serversFor(t *testing.T, page string, blocks []block) servers {
	t.Helper()
	var s servers
	for _, b := range blocks {
		if b.language != "console" {
			continue
		}
		for _, c := range b.commands(t, page) {
			switch over, _ := servesOver(c); {
			case over.engine == "postgres" && s.primary == nil:
				s.primary = testenv.StartPostgres(t, testenv.PostgresOptions{Durable: true})
			case over.engine == "redis" && s.redis == nil:
				s.redis = testenv.StartRedis(t, testenv.RedisOptions{})
			}
			if strings.Contains(c.text, shownStandby) && s.standby == nil {
				s.standby = testenv.StartStandby(t, s.primary, "standby", testenv.PostgresOptions{})
			}
		}
	}
	return s
}

// any says whether the page's larder serves from a server.
func (s servers) any() bool { return s.primary != nil || s.redis != nil }

// addresses are those that a page shows, each followed by the one there is.
func (s servers) addresses() []string {
	var all []string
	if s.primary != nil {
		all = append(all, shownServer, s.primary.Address)
	}
	if s.standby != nil {
		all = append(all, shownStandby, s.standby.Address)
	}
	if s.redis != nil {
		all = append(all, shownRedis, s.redis.Address)
	}
	return all
}
