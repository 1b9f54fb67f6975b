package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"larder/internal/testenv"
)

// terminal opens a pair of a terminal and what its user sees.
func terminal(t *testing.T) (user, program *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { user.Close() })
	if err := unix.IoctlSetPointerInt(int(user.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(user.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return user, program
}

// onTerminal runs a command on a terminal and gives what its user saw.
func onTerminal(t *testing.T, env []string, args ...string) string {
	t.Helper()
	user, program := terminal(t)
	seen := make(chan string)
	go func() {
		data, _ := io.ReadAll(user) // EIO, once the program has closed its side
		seen <- string(data)
	}()
	cmd := command(t.Context(), append(env, "TERM=xterm"), args)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(""), program, program
	_ = cmd.Run() // what was seen is what counts
	if err := program.Close(); err != nil {
		t.Fatal(err)
	}
	return <-seen
}

func TestPeopleGetTables(t *testing.T) {
	g := start(t)
	env := []string{"LARDER_URL=" + g.url("")}
	for want, args := range map[string][]string{
		"users/ada is at version 1":        {"put", "users", "ada", `{"n": 1}`},
		"LARDER_LISTEN":                    {"config"},
		"SETTING":                          {"config"},
		"VERSION  UPDATED":                 {"list", "users"},
		"Found by scan":                    {"query", "users", "/n:eq:1"},
		"There are more; --limit or":       {"list", "many", "--limit", "1"},
		"{\"n\":1}\r\n":                    {"get", "users", "seen"},
		"\x1b[31mlarder:\x1b[0m not_found": {"get", "users", "nobody"},
	} {
		g.must("", "put", "users", "seen", `{"n": 1}`)
		g.must(`{"key": "a", "value": 1}`+"\n"+`{"key": "b", "value": 1}`, "import", "-", "--table", "many")
		commandEnv := env
		if args[0] == "config" {
			commandEnv = nil
		}
		if got := onTerminal(t, commandEnv, args...); !strings.Contains(got, want) {
			t.Errorf("larder %q shows\n%q\nwithout %q", args, got, want)
		}
	}
	if got := onTerminal(t, append(env, "NO_COLOR=1"), "get", "users", "nobody"); strings.Contains(got, "\x1b") {
		t.Errorf("colours in spite of NO_COLOR: %q", got)
	}
}

func TestPeopleSeeProgress(t *testing.T) {
	g := start(t)
	env := []string{"LARDER_URL=" + g.url("")}
	dir := t.TempDir()
	lines := dir + "/lines.ndjson"
	if err := os.WriteFile(lines, []byte(`{"key": "a", "value": 1}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"1 entries put, 0 deleted": {"import", lines, "--table", "users"},
		"1 entries and 0 deletions of 1 tables exported. Later changes: larder export --since users=": {"export", "-o", dir + "/out.ndjson"},
	} {
		g.must("", "import", lines, "--table", "users")
		if got := onTerminal(t, env, args...); !strings.Contains(got, want) || !strings.Contains(got, "%") {
			t.Errorf("larder %q shows\n%q\nwithout a bar or %q", args, got, want)
		}
	}
}

func TestPeopleAreAskedBeforeASchemaGoes(t *testing.T) {
	env := []string{"LARDER_PRIMARY=" + testenv.Postgres(t)}
	latest := schemaOf(t, env).Latest
	ask := func(answer string) string {
		user, program := terminal(t)
		if _, err := user.WriteString(answer + "\n"); err != nil {
			t.Fatal(err)
		}
		seen := make(chan string)
		go func() {
			data, _ := io.ReadAll(user) // EIO, once the program has closed its side
			seen <- string(data)
		}()
		cmd := command(t.Context(), append(env, "TERM=xterm"), []string{"migrate", "down", "--to", "0"})
		cmd.Stdin, cmd.Stdout, cmd.Stderr = program, program, program
		_ = cmd.Run() // what was seen is what counts
		if err := program.Close(); err != nil {
			t.Fatal(err)
		}
		return <-seen
	}
	if got := ask("no"); !strings.Contains(got, fmt.Sprintf(`Schema "public" of the primary goes back from version %d to 0`, latest)) || !strings.Contains(got, "nothing was changed") {
		t.Errorf("answering no shows %q", got)
	}
	if got := onTerminal(t, env, "migrate", "status"); !strings.Contains(got, "001_entries.sql  yes") || !strings.Contains(got, fmt.Sprintf("is at version %d, the latest", latest)) {
		t.Errorf("status shows %q", got)
	}
	if got := ask("yes"); !strings.Contains(got, "003_indexes.sql down") || !strings.Contains(got, fmt.Sprintf("is at version 0 of %d", latest)) {
		t.Errorf("answering yes shows %q", got)
	}
	if got := onTerminal(t, env, "migrate", "up"); !strings.Contains(got, "003_indexes.sql up") {
		t.Errorf("up shows %q", got)
	}
}
