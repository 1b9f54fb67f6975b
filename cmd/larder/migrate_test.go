package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"larder/internal/testenv"
)

// schemaOf reads `larder migrate status`.
func schemaOf(t *testing.T, env []string) schemaStatus {
	t.Helper()
	r := call(t, env, "", "migrate", "status")
	var status schemaStatus
	if err := json.Unmarshal([]byte(r.out), &status); err != nil || r.code != 0 {
		t.Fatalf("exits with %d (%v): %s%s", r.code, err, r.out, r.err)
	}
	return status
}

// steps are those a command tells of, as "up 1 001_entries.sql".
func (r result) steps(t *testing.T) []string {
	t.Helper()
	var all []string
	for line := range strings.Lines(r.out) {
		var step schemaStep
		if err := json.Unmarshal([]byte(line), &step); err != nil || step.Schema != "theirs" {
			t.Errorf("%q: %v", line, err)
		}
		all = append(all, fmt.Sprint(step.Direction, " ", step.Version, " ", step.Migration))
	}
	return all
}

func TestMigrateUpAndDown(t *testing.T) {
	env := []string{"LARDER_PRIMARY=" + testenv.EmptyPostgres(t, ""), "LARDER_POSTGRES_SCHEMA=theirs"}
	if s := schemaOf(t, env); s.Schema != "theirs" || s.Version != 0 || s.Latest != len(s.Migrations) || s.Migrations[0].Applied {
		t.Errorf("before all: %+v", s)
	}
	known := schemaOf(t, env).Migrations
	latest := len(known)
	var up, down []string
	for i, m := range known {
		up = append(up, fmt.Sprintf("up %d %s", i+1, m.Name))
		down = append([]string{fmt.Sprintf("down %d %s", i, m.Name)}, down...)
	}
	for _, tt := range []struct {
		args    []string
		version int
		want    []string
	}{
		{[]string{"up"}, latest, up},
		{[]string{"up"}, latest, nil},
		{[]string{"down", "--yes"}, latest - 1, down[:1]},
		{[]string{"down", "--to", strconv.Itoa(latest - 1), "--yes"}, latest - 1, nil},
		{[]string{"down", "--to", "0", "--yes"}, 0, down[1:]},
		{[]string{"down", "--yes"}, 0, nil},
	} {
		r := call(t, env, "", append([]string{"migrate"}, tt.args...)...)
		if got := r.steps(t); r.code != 0 || r.err != "" || !slices.Equal(got, tt.want) {
			t.Errorf("migrate %q exits with %d: %q %s", tt.args, r.code, got, r.err)
		}
		if s := schemaOf(t, env); s.Version != tt.version || (s.Version > 0) != s.Migrations[0].Applied {
			t.Errorf("after migrate %q: %+v", tt.args, s)
		}
	}
}

func TestMigrateRefuses(t *testing.T) {
	url := "LARDER_PRIMARY=" + testenv.Postgres(t)
	for _, tt := range []struct {
		name string
		env  string
		args []string
		code int
		want string
	}{
		{"down without a word", url, []string{"down"}, exitUsage, "say --yes"},
		{"no such version", url, []string{"down", "--to", "99", "--yes"}, exitUsage, "there is no version 99"},
		{"a version below all", url, []string{"down", "--to=-1", "--yes"}, exitUsage, "there is no version -1"},
		{"a file", "LARDER_PRIMARY=bolt://./x.db", []string{"status"}, exitUsage, "LARDER_PRIMARY: only a PostgreSQL database has a schema"},
		{"nobody there", "LARDER_PRIMARY=postgres://u:s3cret@127.0.0.1:1/x", []string{"up"}, exitFailed, "LARDER_PRIMARY: the database can't be reached"},
		{"wrong settings", "LARDER_POSTGRES_SCHEMA=pg_x", []string{"up"}, exitUsage, "LARDER_POSTGRES_SCHEMA:"},
		{"which", url, nil, exitUsage, "expected one of"},
	} {
		r := call(t, []string{tt.env}, "", append([]string{"migrate"}, tt.args...)...)
		if r.code != tt.code || len(r.lines()) != 1 || !strings.Contains(r.err, tt.want) || strings.Contains(r.err, "s3cret") {
			t.Errorf("%s: exits with %d:\n%s%s", tt.name, r.code, r.out, r.err)
		}
	}
	if s := schemaOf(t, []string{url}); s.Version != s.Latest {
		t.Errorf("what was refused was done: %+v", s)
	}
}
