package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"larder/internal/buildinfo"
	"larder/internal/config"
)

func TestVersion(t *testing.T) {
	if r := call(t, nil, "", "version"); r.code != 0 || !strings.HasPrefix(r.out, "larder ") || !strings.Contains(r.out, runtime.Version()) {
		t.Errorf("exits with %d: %s%s", r.code, r.out, r.err)
	}
	var build buildinfo.Info
	if r := call(t, nil, "", "version", "--json"); json.Unmarshal([]byte(r.out), &build) != nil || build.Go != runtime.Version() {
		t.Errorf("exits with %d: %s%s", r.code, r.out, r.err)
	}
}

func TestConfigSaysWhereSettingsComeFrom(t *testing.T) {
	file := filepath.Join(t.TempDir(), "larder.yaml")
	if err := os.WriteFile(file, []byte("max_depth: 7\nlisten: 127.0.0.1:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"LARDER_LISTEN=127.0.0.1:2", "LARDER_PRIMARY=postgres://u:s3cret@db/larder"}
	r := call(t, env, "", "config", "--config", file)
	var settings []config.Setting
	if err := json.Unmarshal([]byte(r.out), &settings); err != nil || r.code != 0 {
		t.Fatalf("exits with %d (%v): %s%s", r.code, err, r.out, r.err)
	}
	found := make(map[string]config.Setting)
	for _, s := range settings {
		found[s.Name] = s
	}
	for _, want := range []config.Setting{
		{Name: "LARDER_LISTEN", Value: "127.0.0.1:2", Origin: "env"},
		{Name: "LARDER_MAX_DEPTH", Value: "7", Origin: "file:" + file},
		{Name: "LARDER_MAX_VALUE_BYTES", Value: "1MiB", Origin: "default"},
		{Name: "LARDER_PRIMARY", Value: "postgres://u:xxxxx@db/larder", Origin: "env"},
	} {
		if found[want.Name] != want {
			t.Errorf("got %v, want %v", found[want.Name], want)
		}
	}
	if strings.Contains(r.out, "s3cret") {
		t.Error("a secret is shown")
	}
}

func TestConfigNamesTheVariableThatThePrimaryComesFrom(t *testing.T) {
	r := call(t, []string{"REDIS_HOST=cache", "REDIS_PASSWORD=s3cret"}, "", "config")
	if want := `{"name":"LARDER_PRIMARY","value":"redis://:xxxxx@cache:6379","origin":"env:REDIS_HOST"}`; r.code != 0 || !strings.Contains(r.out, want) {
		t.Errorf("exits with %d, without %s:\n%s%s", r.code, want, r.out, r.err)
	}
}

func TestWrongSettingsAreAllListed(t *testing.T) {
	r := call(t, []string{"LARDER_MAX_DEPTH=x", "LARDER_MAX_STREAMS=0", "LARDER_NOTHING=1"}, "", "config")
	if r.code != 2 || len(r.lines()) != 3 || r.out != "" {
		t.Errorf("exits with %d:\n%s%s", r.code, r.out, r.err)
	}
}

func TestUsageErrors(t *testing.T) {
	for _, args := range [][]string{
		{"serv"},
		{"get", "users"},
		{"get", "users", ""},
		{"get", "users", ".."},
		{"get", "..", "ada"},
		{"list", "."},
		{"list", "users", "--limit", "0"},
		{"list", "users", "--limit", "5", "--all"},
		{"put", "users", "ada", "not json"},
		{"put", "users", "ada", "1", "--ttl", "1500ms"},
		{"put", "users", "ada", "1", "--if-absent", "--if-version", "3"},
		{"put", "users", "ada", "1", "--metadata", "Not A Name=x"},
		{"query", "users", "age=3"},
		{"query", "users", "/age:gte:1", "--json", "-"},
		{"get", "users", "ada", "--url", "ftp://x"},
		{"import", "/nowhere.ndjson"},
		{"export", "--since", "/nowhere"},
		{"healthcheck", "--config", "/nowhere.yaml"},
	} {
		r := call(t, nil, "", args...)
		if r.code != 2 || len(r.lines()) != 1 || !strings.HasPrefix(r.err, "larder: ") {
			t.Errorf("larder %q exits with %d:\n%s", args, r.code, r.err)
		}
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{nil, {"--help"}, {"import", "--help"}} {
		if r := call(t, nil, "", args...); r.code != 0 || !strings.HasPrefix(r.out, "Usage: larder") {
			t.Errorf("larder %q exits with %d:\n%s%s", args, r.code, r.out, r.err)
		}
	}
}

func TestNobodyAnswers(t *testing.T) {
	r := call(t, nil, "", "get", "users", "ada", "--url", "http://127.0.0.1:1")
	if r.code != 1 || len(r.lines()) != 1 || !strings.Contains(r.err, "no larder answers at 127.0.0.1:1") {
		t.Errorf("exits with %d:\n%s", r.code, r.err)
	}
}
