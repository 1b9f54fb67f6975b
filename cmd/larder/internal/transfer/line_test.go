package transfer

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"larder/api"
)

func TestParseLine(t *testing.T) {
	line, err := ParseLine([]byte(`{"key": "ada", "value": {"n": 12345678901234567890.10}, "metadata": {"a": "b"}, "expires_at": "2030-01-02T03:04:05Z", "version": 7, "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z", "cursor": "x"}`), "users")
	if err != nil {
		t.Fatal(err)
	}
	op := line.operation()
	if op.Op != api.BatchOpPut || op.Table != "users" || op.Key != "ada" || string(op.Value) != `{"n": 12345678901234567890.10}` || op.Metadata["a"] != "b" || op.ExpiresAt.Year() != 2030 {
		t.Errorf("got %+v", op)
	}

	line, err = ParseLine([]byte(`{"table": "other", "key": "", "deleted": true}`), "users")
	if err != nil {
		t.Fatal(err)
	}
	if op := line.operation(); op.Op != api.BatchOpDelete || op.Table != "other" || op.Key != "" {
		t.Errorf("got %+v", op)
	}

	if line, err = ParseLine([]byte(`{"key": "ada", "value": null}`), "users"); err != nil || string(line.operation().Value) != "null" {
		t.Errorf("null is no value: %+v (%v)", line, err)
	}
}

func TestWrongLines(t *testing.T) {
	for text, want := range map[string]string{
		`{"key": "a", "value": 1}`:                                  `no "table"`,
		`{"table": "t", "value": 1}`:                                `no "key"`,
		`{"table": "t", "key": null, "value": 1}`:                   `no "key"`,
		`{"table": "t", "key": "a"}`:                                `no "value"`,
		`{"table": "t", "key": "a", "value": 1, "deleted": true}`:   "don't go together",
		`{"table": "t", "key": "a", "value": 1, "encoding": "hex"}`: "json or base64",
		`{"table": "t", "key": "a", "value": 1, "ttl": 5}`:          `"ttl" is unknown; a line has table, key`,
		`{"table": "t", "key": 5, "value": 1}`:                      `"key" can't be number`,
		`{"table": "t", "key": "a", "value": 1, "expires_at": "x"}`: `"expires_at" is not a time`,
		`{"table": "t", "key": "a", "value": {"x": 1, "x": 2}}`:     `duplicate`,
		`{"table": "t", "key": "a", "value": 1} {}`:                 "not JSON at byte",
		`{"table": "t", "key": "a"`:                                 "unexpected EOF",
		"{\"table\": \"t\", \"key\": \"\xff\", \"value\": 1}":       "not JSON at byte",
		`[]`:     "not an object",
		`key,1`:  "not JSON at byte 1",
		`"text"`: "not an object",
	} {
		_, err := ParseLine([]byte(text), "")
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

func TestLineOfChange(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	for want, change := range map[string]api.Change{
		`{"table":"t","key":"a<b","value":{"n":1.50,"x":"<&>"},"metadata":{"m":"1"},"expires_at":"2026-01-02T03:04:05.000006Z","version":3,"created_at":"2026-01-02T03:04:05.000006Z","updated_at":"2026-01-02T03:04:05.000006Z"}`: {
			Table: "t", Key: "a<b", Value: []byte(`{"n":1.50,"x":"<&>"}`), Metadata: api.Metadata{"m": "1"}, Encoding: api.EncodingJSON,
			ExpiresAt: &at, Version: 3, CreatedAt: &at, UpdatedAt: at, Cursor: "c",
		},
		`{"table":"t","key":"b","value":"AAE=","encoding":"base64","version":1,"created_at":"2026-01-02T03:04:05.000006Z","updated_at":"2026-01-02T03:04:05.000006Z"}`: {
			Table: "t", Key: "b", Value: []byte(`"AAE="`), Encoding: api.EncodingBase64, Version: 1, CreatedAt: &at, UpdatedAt: at,
		},
		`{"table":"t","key":"c","deleted":true,"version":9}`: {Table: "t", Key: "c", Deleted: true, Version: 9, UpdatedAt: at},
	} {
		var out bytes.Buffer
		if err := lineOf(change).appendTo(&out); err != nil {
			t.Fatal(err)
		}
		if out.String() != want+"\n" {
			t.Errorf("got  %swant %s", out.String(), want)
		}
		if _, err := ParseLine(bytes.TrimSpace(out.Bytes()), ""); err != nil {
			t.Errorf("import does not take %s: %v", out.String(), err)
		}
	}
}
