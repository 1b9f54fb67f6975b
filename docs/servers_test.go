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

// overBackends is how it says so of several, whose settings are in quotes.
var (
	overBackends  = regexp.MustCompile(`^(LARDER_BACKENDS='[^']*'[\s\\]+(?:LARDER_[A-Z_]+='[^']*'[\s\\]+)*)larder serve$`)
	quotedSetting = regexp.MustCompile(`(LARDER_[A-Z_]+)='([^']*)'`)
)

// serving is what a command that is so says.
type serving struct {
	settings []string // LARDER_…=…
	engines  string   // the names of those that it needs
}

// servesOver reads a command that is so.
func servesOver(c command) (s serving, serves bool) {
	if found := overServer.FindStringSubmatch(c.text); found != nil {
		return serving{settings: strings.Fields(found[1]), engines: found[2]}, true
	}
	found := overBackends.FindStringSubmatch(c.text)
	if found == nil {
		return serving{}, false
	}
	for _, setting := range quotedSetting.FindAllStringSubmatch(found[1], -1) {
		s.settings = append(s.settings, setting[1]+"="+setting[2])
	}
	s.engines = found[1]
	return s, true
}

// needs says whether an engine is among those that it serves over.
func (s serving) needs(engine string) bool { return strings.Contains(s.engines, engine) }

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
			over, _ := servesOver(c)
			if over.needs("postgres") && s.primary == nil {
				s.primary = testenv.StartPostgres(t, testenv.PostgresOptions{Durable: true})
			}
			if over.needs("redis") && s.redis == nil {
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
