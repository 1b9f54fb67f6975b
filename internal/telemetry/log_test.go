package telemetry

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestJSONLines(t *testing.T) {
	var out bytes.Buffer
	log, err := NewLogger(LogOptions{Out: &out})
	if err != nil {
		t.Fatal(err)
	}
	log.Debug().Msg("not at this level")
	log.Info().Str("address", "127.0.0.1:1").Msg("ready")

	var line map[string]string
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("not one line of JSON: %v\n%s", err, out.String())
	}
	if line["level"] != "info" || line["message"] != "ready" || line["address"] != "127.0.0.1:1" {
		t.Errorf("got %v", line)
	}
	at, err := time.Parse(timeFormat, line["time"])
	if err != nil || time.Since(at).Abs() > time.Minute || !strings.HasSuffix(line["time"], "Z") {
		t.Errorf("time is %q (%v)", line["time"], err)
	}
}

func TestConsoleLinesHaveNoColoursInAFile(t *testing.T) {
	var out bytes.Buffer
	log, err := NewLogger(LogOptions{Format: "console", Level: "debug", Out: &out})
	if err != nil {
		t.Fatal(err)
	}
	log.Debug().Int("n", 3).Msg("hello")
	line := out.String()
	if strings.Contains(line, "\x1b") || !strings.Contains(line, "DBG hello n=3") {
		t.Errorf("got %q", line)
	}
	if _, err := time.Parse("15:04:05.000", strings.Fields(line)[0]); err != nil {
		t.Errorf("no time of day in %q", line)
	}
}

func TestUnknownLevel(t *testing.T) {
	if _, err := NewLogger(LogOptions{Level: "loud"}); err == nil {
		t.Error("a level that there is none of is taken")
	}
}
