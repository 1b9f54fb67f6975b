package config

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"pgregory.net/rapid"
)

func TestSeveralURLsInOneSetting(t *testing.T) {
	want := []string{"postgres://u:p@a:5432,b:5433/db", "postgresql://c/db?sslmode=disable"}
	for _, text := range []string{
		strings.Join(want, " "), strings.Join(want, ","), strings.Join(want, ", "), "\n" + strings.Join(want, "\n") + "\n",
	} {
		cfg, err := Load(Source{Environ: []string{"LARDER_PRIMARY=postgres://a/db", "LARDER_POSTGRES_REPLICA_URLS=" + text}})
		if err != nil || !slices.Equal(cfg.PostgresReplicaURLs, want) {
			t.Errorf("%q is %q, %v", text, cfg.PostgresReplicaURLs, err)
		}
	}
}

func TestPostgresSecretsAreHidden(t *testing.T) {
	secret := write(t, "sql", "postgres://reader:s3cret@db/larder\n")
	cfg, err := Load(Source{Environ: []string{
		"LARDER_PRIMARY=postgres://u:s3cret@a:5432,b:5433/db?target_session_attrs=read-write",
		"LARDER_POSTGRES_REPLICA_URLS=postgres://u:s3cret@c,d/db postgres://e/db?user=u&password=s3cret",
		"LARDER_POSTGRES_SQL_URL_FILE=" + secret,
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"LARDER_PRIMARY":               "postgres://u:xxxxx@a:5432,b:5433/db?target_session_attrs=read-write",
		"LARDER_POSTGRES_REPLICA_URLS": "postgres://u:xxxxx@c,d/db postgres://e/db?password=xxxxx&user=u",
		"LARDER_POSTGRES_SQL_URL":      "postgres://reader:xxxxx@db/larder",
	}
	for _, s := range cfg.Settings() {
		if shown, secret := want[s.Name]; secret && s.Value != shown {
			t.Errorf("%s is shown as %s", s.Name, s.Value)
		}
	}
}

func TestWrongPostgresSettings(t *testing.T) {
	for setting, want := range map[string]string{
		"PRIMARY=postgres://u:s3cret@a,b%zz/db":            "not a URL whose scheme names a backend",
		"POSTGRES_SCHEMA=pg_mine":                          `"pg_mine" is a schema of PostgreSQL's own`,
		"POSTGRES_SCHEMA=" + strings.Repeat("x", 64):       "1 to 63 bytes",
		"POSTGRES_SQL_URL=s3cret@db":                       "not a URL of a PostgreSQL database",
		"POSTGRES_REPLICA_URLS=postgres://a/db,bolt://x":   "the 2. address is not a URL of a PostgreSQL database",
		"POSTGRES_MAX_CONNECTIONS=0":                       "0 is out of range",
		"POSTGRES_MIN_CONNECTIONS=20000":                   "20000 is out of range",
		"POSTGRES_ACQUIRE_TIMEOUT=2m":                      "2m0s is out of range",
		"POSTGRES_LIFETIME=forever":                        "is not a duration",
		"POSTGRES_GATHER=sometimes":                        "is not true or false",
		"POSTGRES_REPLICA_URL=postgres://u:s3cret@c/larde": "did you mean LARDER_POSTGRES_REPLICA_URLS?",
	} {
		_, err := Load(Source{Environ: []string{"LARDER_PRIMARY=postgres://a/db", "LARDER_" + setting}})
		name, _, _ := strings.Cut(setting, "=")
		if err == nil || !strings.Contains(err.Error(), "LARDER_"+name) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", setting, err)
		}
	}
	_, err := Load(Source{Environ: []string{"LARDER_POSTGRES_REPLICA_URLS=postgres://a/db"}})
	if err == nil || !strings.Contains(err.Error(), "and there are 0") {
		t.Errorf("replicas of a file: %v", err)
	}
}

func TestPostgresVariables(t *testing.T) {
	secret, empty := write(t, "password", "s3:c/r@t%\n"), write(t, "empty", "\n")
	tests := []struct {
		name, primary, wrong string
		env                  []string
	}{
		{name: "all", primary: "postgres://ada:pass@db:6432/larder", env: []string{"HOST=db", "PORT=6432", "DB=larder", "USER=ada", "PASSWORD=pass"}},
		{name: "a host alone", primary: "postgres://postgres@db:5432/postgres", env: []string{"HOST=db"}},
		{name: "a database is named after its user", primary: "postgres://ada@db:5432/ada", env: []string{"HOST=db", "USER=ada"}},
		{name: "a secret in a file", primary: "postgres://postgres:s3%3Ac%2Fr%40t%25@db:5432/postgres", env: []string{"HOST=db", "PASSWORD_FILE=" + secret}},
		{name: "IPv6", primary: "postgres://postgres@[::1]:5432/postgres", env: []string{"HOST=::1"}},
		{name: "a socket", primary: "postgres://postgres@/postgres?host=%2Frun%2Fpostgresql&port=5432", env: []string{"HOST=/run/postgresql"}},
		{name: "several hosts", primary: "postgres://postgres@a:5432,b:5432/postgres?target_session_attrs=read-write", env: []string{"HOST=a, b"}},
		{name: "what Kubernetes sets for a service named postgres", primary: "postgres://postgres@postgres:5432/postgres", env: []string{"HOST=postgres", "PORT=tcp://10.0.0.2:5432", "SERVICE_HOST=10.0.0.2", "SERVICE_PORT=5432"}},
		{name: "without a host they are another's", primary: Default().Primary, env: []string{"DB=larder", "USER=ada", "PASSWORD=pass", "PORT=x", "PASSWORD_FILE=/nowhere"}},
		{name: "empty is not set", primary: Default().Primary, env: []string{"HOST=", "USER=ada"}},
		{name: "a wrong port", wrong: `POSTGRES_PORT: "54x" is not a port`, env: []string{"HOST=db", "PORT=54x"}},
		{name: "twice", wrong: "POSTGRES_PASSWORD_FILE: POSTGRES_PASSWORD is set as well", env: []string{"HOST=db", "PASSWORD=pass", "PASSWORD_FILE=" + secret}},
		{name: "no such file", wrong: "POSTGRES_HOST_FILE: can't be read", env: []string{"HOST_FILE=/nowhere"}},
		{name: "an empty file", wrong: "POSTGRES_USER_FILE: the file " + empty + " is empty", env: []string{"HOST=db", "USER_FILE=" + empty}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var environ []string
			for _, pair := range tt.env {
				environ = append(environ, "POSTGRES_"+pair)
			}
			cfg, err := Load(Source{Environ: environ})
			if tt.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wrong) || strings.Contains(err.Error(), "\n") {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil || cfg.Primary != tt.primary {
				t.Errorf("the primary is %q, %v", cfg.Primary, err)
			}
			if got := origin(t, cfg, "LARDER_PRIMARY"); (got == "env:POSTGRES_HOST") != (tt.primary != Default().Primary) {
				t.Errorf("its origin is %s", got)
			}
		})
	}
	file := write(t, "larder.yaml", "primary: bolt://./x.db")
	cfg, err := Load(Source{File: file, Environ: []string{"POSTGRES_HOST=db", "POSTGRES_PORT=x"}})
	if err != nil || cfg.Primary != "bolt://./x.db" {
		t.Errorf("POSTGRES_HOST wins over primary: %s, %v", cfg.Primary, err)
	}
}

// TestPostgresVariablesComeThrough holds that the driver reads out of the
// address what was put into it, whatever that is.
func TestPostgresVariablesComeThrough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[^\x00-\x1f]{1,12}`)
		user, password, database := text.Draw(t, "user"), text.Draw(t, "password"), text.Draw(t, "database")
		address, wrong := postgresURL("db", "5433", user, password, database)
		cfg, err := pgconn.ParseConfig(address)
		if wrong != "" || err != nil {
			t.Fatalf("%s %s: %v", address, wrong, err)
		}
		if cfg.User != user || cfg.Password != password || cfg.Database != database || cfg.Host != "db" || cfg.Port != 5433 {
			t.Errorf("%s is read as user %q, password %q, database %q", address, cfg.User, cfg.Password, cfg.Database)
		}
		if shown := HideSecrets(address); len(password) > 5 && !strings.Contains(shown, hidden) {
			t.Errorf("it is shown as %s", shown)
		}
	})
}
