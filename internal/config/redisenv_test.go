package config

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/rueidis"
	"pgregory.net/rapid"
)

func TestRedisVariables(t *testing.T) {
	secret, empty := write(t, "password", "s3:c/r@t%\n"), write(t, "empty", "\n")
	tests := []struct {
		name, primary, wrong string
		env                  []string
	}{
		{name: "all", primary: "redis://ada:pass@cache:6380/2", env: []string{"HOST=cache", "PORT=6380", "USERNAME=ada", "PASSWORD=pass", "DB=2"}},
		{name: "a host alone", primary: "redis://cache:6379", env: []string{"HOST=cache"}},
		{name: "a password alone", primary: "redis://:pass@cache:6379", env: []string{"HOST=cache", "PASSWORD=pass"}},
		{name: "a secret in a file", primary: "redis://:s3%3Ac%2Fr%40t%25@cache:6379", env: []string{"HOST=cache", "PASSWORD_FILE=" + secret}},
		{name: "IPv6", primary: "redis://[::1]:6379/0", env: []string{"HOST=::1", "DB=0"}},
		{name: "IPv6 in brackets", primary: "redis://[::1]:6379", env: []string{"HOST=[::1]"}},
		{name: "what Kubernetes sets for a service named redis", primary: "redis://redis:6379", env: []string{"HOST=redis", "PORT=tcp://10.0.0.2:6379", "SERVICE_HOST=10.0.0.2", "SERVICE_PORT=6379", "PORT_6379_TCP_ADDR=10.0.0.2"}},
		{name: "the same without a host", primary: Default().Primary, env: []string{"PORT=tcp://10.0.0.2:6379", "SERVICE_HOST=10.0.0.2"}},
		{name: "without a host they are another's", primary: Default().Primary, env: []string{"DB=x", "USERNAME=ada", "PASSWORD=pass", "PORT=x", "PASSWORD_FILE=/nowhere"}},
		{name: "empty is not set", primary: Default().Primary, env: []string{"HOST=", "PASSWORD=pass"}},
		{name: "several hosts", wrong: "REDIS_HOST: this is one host; several are given by LARDER_PRIMARY, as redis+cluster://", env: []string{"HOST=a,b"}},
		{name: "a URL", wrong: "REDIS_HOST: this is the name or the address of a host; its port goes into REDIS_PORT, and a URL into LARDER_PRIMARY", env: []string{"HOST=redis://:s3cret@cache"}},
		{name: "a host with its port", wrong: "its port goes into REDIS_PORT", env: []string{"HOST=cache:6379"}},
		{name: "a wrong port", wrong: `REDIS_PORT: "54x" is not a port`, env: []string{"HOST=cache", "PORT=54x"}},
		{name: "a wrong database", wrong: `REDIS_DB: "larder" is not the number of a database`, env: []string{"HOST=cache", "DB=larder"}},
		{name: "twice", wrong: "REDIS_PASSWORD_FILE: REDIS_PASSWORD is set as well", env: []string{"HOST=cache", "PASSWORD=s3cret", "PASSWORD_FILE=" + secret}},
		{name: "no such file", wrong: "REDIS_HOST_FILE: can't be read", env: []string{"HOST_FILE=/nowhere"}},
		{name: "an empty file", wrong: "REDIS_USERNAME_FILE: the file " + empty + " is empty", env: []string{"HOST=cache", "USERNAME_FILE=" + empty}},
		{name: "a wrong file", wrong: `REDIS_PORT_FILE: "s3:c/r@t%" is not a port`, env: []string{"HOST=cache", "PORT_FILE=" + secret}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var environ []string
			for _, pair := range tt.env {
				environ = append(environ, "REDIS_"+pair)
			}
			cfg, err := Load(Source{Environ: environ})
			if tt.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wrong) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "s3cret") {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil || cfg.Primary != tt.primary {
				t.Errorf("the primary is %q, %v", cfg.Primary, err)
			}
			ofRedis := tt.primary != Default().Primary
			if got := origin(t, cfg, "LARDER_PRIMARY"); (got == "env:REDIS_HOST") != ofRedis {
				t.Errorf("its origin is %s", got)
			}
			if got := cfg.PrimaryVariable(); (got == "REDIS_HOST") != ofRedis || (got == "") == ofRedis {
				t.Errorf("the variable is %q", got)
			}
		})
	}
}

func TestPrimaryGoesBeforePostgresHostAndThatBeforeRedisHost(t *testing.T) {
	redis, postgres, primary := "REDIS_HOST=cache", "POSTGRES_HOST=db", "LARDER_PRIMARY=bolt://./x.db"
	for _, tt := range []struct {
		environ          []string
		primary, variety string
	}{
		{[]string{redis, postgres, primary}, "bolt://./x.db", ""},
		{[]string{redis, "REDIS_PORT=x", postgres}, "postgres://postgres@db:5432/postgres", "POSTGRES_HOST"},
		{[]string{redis, "POSTGRES_PASSWORD=pass"}, "redis://cache:6379", "REDIS_HOST"},
	} {
		cfg, err := Load(Source{Environ: tt.environ})
		if err != nil || cfg.Primary != tt.primary || cfg.PrimaryVariable() != tt.variety {
			t.Errorf("%s: the primary is %q, of %q, %v", tt.environ, cfg.Primary, cfg.PrimaryVariable(), err)
		}
	}
	if _, err := Load(Source{Environ: []string{redis, postgres, "POSTGRES_PORT=x"}}); err == nil || !strings.Contains(err.Error(), "POSTGRES_PORT") {
		t.Errorf("what is wrong with the first is passed over: %v", err)
	}
}

// TestRedisVariablesComeThrough holds that the client library reads out of the
// address what was put into it, whatever that is.
func TestRedisVariablesComeThrough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[^\x00-\x1f]{1,12}`)
		user, password, db := text.Draw(t, "user"), text.Draw(t, "password"), rapid.IntRange(0, 1<<31-1).Draw(t, "db")
		address := redisURL("cache", "6380", user, password, strconv.Itoa(db))
		o, err := rueidis.ParseURL(address)
		if err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		if o.Username != user || o.Password != password || o.SelectDB != db || !slices.Equal(o.InitAddress, []string{"cache:6380"}) {
			t.Errorf("%s is read as user %q, password %q, database %d", address, o.Username, o.Password, o.SelectDB)
		}
		if shown := HideSecrets(address); !strings.Contains(shown, ":"+hidden+"@") {
			t.Errorf("it is shown as %s", shown)
		}
	})
}
