package config

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// write puts text into a file of the test's own and gives its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func origin(t *testing.T, c Config, name string) string {
	t.Helper()
	for _, s := range c.Settings() {
		if s.Name == name {
			return s.Origin
		}
	}
	t.Fatalf("no setting %s", name)
	return ""
}

func TestDefaultsAreValid(t *testing.T) {
	cfg, err := Load(Source{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range cfg.Settings() {
		if s.Origin != "default" {
			t.Errorf("%s comes from %s", s.Name, s.Origin)
		}
	}
	if cfg.Listen != "127.0.0.1:8080" || cfg.Primary != "bolt://./data/larder.db" {
		t.Errorf("got %s and %s", cfg.Listen, cfg.Primary)
	}
}

func TestPrecedence(t *testing.T) {
	file := write(t, "larder.yaml", `# all of it
listen: 127.0.0.1:1111   # the file's
max_depth: 7
max_value_bytes: 2MiB
request_timeout: 3s
allow_anonymous: true
`)
	cfg, err := Load(Source{Environ: []string{
		"LARDER_CONFIG=" + file, "LARDER_LISTEN=127.0.0.1:2222", "LARDER_MAX_DEPTH=", "HOME=/", "LARDERS=x",
	}})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Listen != "127.0.0.1:2222" {
		t.Errorf("the environment does not win over the file: %s", cfg.Listen)
	}
	if cfg.MaxDepth != 7 {
		t.Errorf("an empty variable hides the file: %d", cfg.MaxDepth)
	}
	if cfg.MaxValueBytes != 2<<20 || cfg.RequestTimeout != 3*time.Second || !cfg.AllowAnonymous {
		t.Errorf("the file does not win over the defaults: %+v", cfg)
	}
	if cfg.MaxStreams != Default().MaxStreams {
		t.Errorf("an absent setting has lost its default: %d", cfg.MaxStreams)
	}
	for name, want := range map[string]string{
		"LARDER_LISTEN": "env", "LARDER_MAX_DEPTH": "file:" + file, "LARDER_MAX_STREAMS": "default",
	} {
		if got := origin(t, cfg, name); got != want {
			t.Errorf("%s comes from %q, want %q", name, got, want)
		}
	}
}

func TestFlagNamesTheFileBeforeTheEnvironment(t *testing.T) {
	one, other := write(t, "one.yaml", "max_depth: 1"), write(t, "other.yaml", "max_depth: 2")
	cfg, err := Load(Source{File: one, Environ: []string{"LARDER_CONFIG=" + other}})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.MaxDepth != 1 {
		t.Errorf("max_depth is %d", cfg.MaxDepth)
	}
}

func TestEmptyFileIsNoError(t *testing.T) {
	for _, text := range []string{"", "\n", "# nothing yet\n", "---\n"} {
		if _, err := Load(Source{File: write(t, "larder.yaml", text)}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestSecretFromFile(t *testing.T) {
	secret := write(t, "primary", "postgres://u:s3cret@db/larder\n")
	yaml := write(t, "larder.yaml", "primary_file: "+secret)
	for name, src := range map[string]Source{
		"environment": {Environ: []string{"LARDER_PRIMARY_FILE=" + secret}},
		"yaml":        {File: yaml},
	} {
		cfg, err := Load(src)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if cfg.Primary != "postgres://u:s3cret@db/larder" {
			t.Errorf("%s: primary is %q", name, cfg.Primary)
		}
		if got := origin(t, cfg, "LARDER_PRIMARY"); got != "file:"+secret {
			t.Errorf("%s: origin is %q", name, got)
		}
	}

	cfg, err := Load(Source{File: yaml, Environ: []string{"LARDER_PRIMARY=bolt://./x.db"}})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Primary != "bolt://./x.db" {
		t.Errorf("a secret file named in YAML wins over the environment: %s", cfg.Primary)
	}
}

func TestWrongSettings(t *testing.T) {
	empty := write(t, "empty", " \n")
	tests := []struct {
		name string
		env  []string
		yaml string
		want []string // one for each line, in any order
	}{
		{"not a number", []string{"LARDER_MAX_DEPTH=abc"}, "", []string{`LARDER_MAX_DEPTH: "abc" is not a whole number, such as 128`}},
		{"not a duration", []string{"LARDER_IDLE_TIMEOUT=15"}, "", []string{`LARDER_IDLE_TIMEOUT: "15" is not a duration, such as 500ms, 15s or 1h30m`}},
		{"not a size", []string{"LARDER_MAX_VALUE_BYTES=1QB"}, "", []string{`LARDER_MAX_VALUE_BYTES: "1QB" is not a size, such as 1048576, 64KiB or 1MiB`}},
		{"not a bool", []string{"LARDER_ALLOW_ANONYMOUS=maybe"}, "", []string{`LARDER_ALLOW_ANONYMOUS: "maybe" is not true or false`}},
		{"not a level", []string{"LARDER_LOG_LEVEL=loud"}, "", []string{`LARDER_LOG_LEVEL: "loud" is not one of trace, debug, info, warn, error`}},
		{"out of range", []string{"LARDER_MAX_DEPTH=0"}, "", []string{`LARDER_MAX_DEPTH: 0 is out of range; it lies between 1 and 1000`}},
		{"bodies smaller than values", []string{"LARDER_MAX_VALUE_BYTES=40MiB"}, "", []string{`LARDER_MAX_BODY_BYTES: 32MiB is out of range; it lies between 40MiB and 1GiB`}},
		{"typing error", []string{"LARDER_LISEN=x"}, "", []string{`LARDER_LISEN: there is no such setting; did you mean LARDER_LISTEN?`}},
		{"nothing like it", []string{"LARDER_COLOUR_OF_THE_SKY=x"}, "", []string{"LARDER_COLOUR_OF_THE_SKY: there is no such setting; `larder config` lists those there are"}},
		{"a port alone", []string{"LARDER_PORT=8080"}, "", []string{"LARDER_PORT: there is no such setting"}},
		{"address without port", []string{"LARDER_LISTEN=localhost"}, "", []string{`LARDER_LISTEN: "localhost" is not an address with a port`}},
		{"port too large", []string{"LARDER_LISTEN=localhost:70000"}, "", []string{`LARDER_LISTEN: "70000" is not a port`}},
		{"open to all", []string{"LARDER_LISTEN=0.0.0.0:8080"}, "", []string{"LARDER_LISTEN: 0.0.0.0:8080 is open to other machines and nobody is asked for credentials; listen on 127.0.0.1, or set LARDER_ALLOW_ANONYMOUS=true if that is meant"}},
		{"open to all, unnamed", []string{"LARDER_LISTEN=:8080"}, "", []string{"LARDER_LISTEN: :8080 is open to other machines"}},
		{"open by a name", []string{"LARDER_LISTEN=larder.example:8080"}, "", []string{"LARDER_LISTEN: larder.example:8080 is open to other machines"}},
		{"not a url", []string{"LARDER_PRIMARY=larder.db"}, "", []string{"LARDER_PRIMARY: not a URL whose scheme names a backend"}},
		{"secret twice", []string{"LARDER_PRIMARY=bolt://x", "LARDER_PRIMARY_FILE=/x"}, "", []string{"LARDER_PRIMARY_FILE: LARDER_PRIMARY is set as well; keep one of the two"}},
		{"secret file absent", []string{"LARDER_PRIMARY_FILE=/nowhere"}, "", []string{"LARDER_PRIMARY_FILE: can't be read: open /nowhere: no such file or directory"}},
		{"secret file empty", []string{"LARDER_PRIMARY_FILE=" + empty}, "", []string{"LARDER_PRIMARY_FILE: the file " + empty + " is empty"}},
		{"file absent", []string{"LARDER_CONFIG=/nowhere.yaml"}, "", []string{"LARDER_CONFIG: can't be read: open /nowhere.yaml: no such file or directory"}},
		{"yaml unknown", nil, "listen: localhost:1\nmax_dept: 3\n", []string{":2: max_dept: there is no such setting; did you mean max_depth?"}},
		{"yaml with the name of the environment", nil, "MAX_DEPTH: 3\n", []string{":1: MAX_DEPTH: there is no such setting; did you mean max_depth?"}},
		{"yaml wrong type", nil, "max_depth: many\n", []string{`:1: max_depth: "many" is not a whole number`}},
		{"yaml nested", nil, "limits:\n  max_depth: 3\n", []string{":1: limits: there is no such setting"}},
		{"yaml list", nil, "listen: [a, b]\n", []string{":1: listen: one plain value is wanted here"}},
		{"yaml no value", nil, "listen:\n", []string{":1: listen: one plain value is wanted here"}},
		{"yaml not a mapping", nil, "- listen\n", []string{"settings are written as one flat list of lines"}},
		{"yaml two documents", nil, "max_depth: 1\n---\nmax_depth: 2\n", []string{"settings are written as one flat list of lines"}},
		{"yaml twice", nil, "max_depth: 1\nmax_depth: 2\n", []string{`:2: mapping key "max_depth" already defined`}},
		{"yaml broken", nil, "listen: 'abc\n", []string{"larder.yaml:1: "}},
		{"all at once", []string{"LARDER_MAX_DEPTH=abc", "LARDER_LOG_FORMAT=xml", "LARDER_X=1"}, "max_streams: 0\n", []string{
			"LARDER_X: there is no such setting", `LARDER_MAX_DEPTH: "abc"`, `LARDER_LOG_FORMAT: "xml" is not one of`, "max_streams: 0 is out of range",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			src := Source{Environ: tt.env}
			if tt.yaml != "" {
				src.File = write(t, "larder.yaml", tt.yaml)
			}
			_, err := Load(src)
			wrong, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("got error %v", err)
			}
			lines := wrong.Lines()
			if len(lines) != len(tt.want) {
				t.Errorf("got %d lines, want %d:\n%s", len(lines), len(tt.want), err)
			}
			for _, want := range tt.want {
				if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, want) && !strings.Contains(line, "\n") }) {
					t.Errorf("no line with %q in:\n%s", want, err)
				}
			}
		})
	}
}

func TestAllowedAddresses(t *testing.T) {
	for _, env := range [][]string{
		{"LARDER_LISTEN=localhost:0"},
		{"LARDER_LISTEN=[::1]:8080"},
		{"LARDER_LISTEN=127.8.9.10:8080"},
		{"LARDER_LISTEN=0.0.0.0:8080", "LARDER_ALLOW_ANONYMOUS=true"},
	} {
		if _, err := Load(Source{Environ: env}); err != nil {
			t.Errorf("%v: %v", env, err)
		}
	}
}

func TestVariablesOfOthers(t *testing.T) {
	_, err := Load(Source{Environ: []string{
		"LARDER_URL=http://127.0.0.1:8080",
		"LARDER_SERVICE_HOST=10.0.0.1", "LARDER_SERVICE_PORT=8080", "LARDER_SERVICE_PORT_HTTP=8080",
		"LARDER_PORT=tcp://10.0.0.1:8080", "LARDER_PORT_8080_TCP=tcp://10.0.0.1:8080",
		"LARDER_PORT_8080_TCP_PROTO=tcp", "LARDER_PORT_8080_TCP_PORT=8080", "LARDER_PORT_8080_TCP_ADDR=10.0.0.1",
		"LARDER_POSTGRES_SERVICE_HOST=10.0.0.2", "LARDER_POSTGRES_PORT=tcp://10.0.0.2:5432",
	}})
	if err != nil {
		t.Errorf("what Kubernetes sets for a service named larder is refused: %v", err)
	}
}
