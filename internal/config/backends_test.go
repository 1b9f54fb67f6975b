package config

import (
	"strings"
	"testing"
)

func TestBackends(t *testing.T) {
	t.Parallel()
	cfg, err := Load(Source{Environ: []string{
		"LARDER_BACKENDS=pg=postgres://u:s3cret@a,b/db?x=1 ;\n hot=redis://:s3cret@h:1/0;local = bolt://./x.db;",
		"LARDER_ROUTES=*=cache-aside(pg,hot); audit=primary-only(local)",
		"LARDER_SYSTEM=local", "POSTGRES_HOST=elsewhere",
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := cfg.Members().String(); got != "pg=postgres://u:s3cret@a,b/db?x=1; hot=redis://:s3cret@h:1/0; local=bolt://./x.db" {
		t.Errorf("the backends are %q", got)
	}
	routes, err := cfg.RouteList()
	if err != nil || len(routes) != 2 || cfg.SystemMember() != "local" {
		t.Errorf("the routes are %v, %v, the system's member is %q", routes, err, cfg.SystemMember())
	}
	for _, s := range cfg.Settings() {
		if strings.Contains(s.Value, "s3cret") || s.Name == "LARDER_BACKENDS" && !strings.Contains(s.Value, "hot=redis://:xxxxx@h:1/0") {
			t.Errorf("%s is shown as %q", s.Name, s.Value)
		}
	}
	alone, err := Load(Source{Environ: []string{"LARDER_PRIMARY=bolt://./x.db"}})
	if err != nil || alone.SystemMember() != PrimaryName || alone.Members()[0] != (Backend{PrimaryName, "bolt://./x.db"}) {
		t.Errorf("a primary alone is %v, %v", alone.Members(), err)
	}
	if routes, err := alone.RouteList(); err != nil || routes.String() != "*=primary-only(primary)" {
		t.Errorf("its routes are %v, %v", routes, err)
	}
}

func TestWrongBackends(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{
		"BACKENDS=pg":                           "is not a name and a URL",
		"BACKENDS=PG=bolt://./x.db":             `"PG" is not the name of a backend`,
		"BACKENDS==bolt://./x.db":               `"" is not the name of a backend`,
		"BACKENDS=flight=bolt://./x.db":         `"flight" is what Server-Timing calls something that is no backend, as it does memory, flight, more, total`,
		"BACKENDS=a=bolt://./x.db;a=bolt://./y": "there are two backends of the name a",
		"BACKENDS=a=nothing":                    "what a is set to is not a URL",
		"SYSTEM=pg":                             `"pg" is no backend; there are primary`,
		"ROUTES=*=primary-only(pg)":             `"pg" in *=primary-only(pg) is no backend; there are primary`,
		"ROUTES=users=primary-only(primary)":    "there is no route for all other tables",
		"ROUTES=primary-only":                   "is not a route",
		"BACKEND=pg=postgres://u:s3cret@a/b":    "did you mean LARDER_BACKENDS?",
		"CACHE_STALENESS=1ms":                   "out of range",
	} {
		_, err := Load(Source{Environ: []string{"LARDER_" + setting}})
		name, _, _ := strings.Cut(setting, "=")
		if err == nil || !strings.Contains(err.Error(), "LARDER_"+name) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", setting, err)
		}
	}
	_, err := Load(Source{Environ: []string{"LARDER_PRIMARY=bolt://./x.db", "LARDER_BACKENDS=a=bolt://./y.db"}})
	if err == nil || !strings.Contains(err.Error(), "LARDER_PRIMARY") || !strings.Contains(err.Error(), "keep one of the two") {
		t.Errorf("a primary and backends: %v", err)
	}
}
