package app

import (
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"larder/internal/backend/boltstore"
	"larder/internal/config"
	"larder/internal/store"
	"larder/internal/testenv"
)

// TestMultiWrite keeps a table in PostgreSQL and in a file, and looks into the file.
func TestMultiWrite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "copy.db")
	cfg := settings(t)
	cfg.Primary = config.Default().Primary
	cfg.Backends = config.Backends{{Name: "pg", URL: testenv.Postgres(t)}, {Name: "local", URL: "bolt://" + file}}
	cfg.Routes = "*=primary-only(pg); audit_*=multi-write(pg,local)"
	s := start(t, cfg, Options{})
	base := "http://" + s.logged("ready")["address"].(string)

	exchange(t, http.MethodPut, base+"/tables/users/keys/ada", `1`)
	n := 0
	soon(t, "a write that the file has at once", func() bool {
		n++
		resp, body := exchange(t, http.MethodPut, base+"/tables/audit_2026/keys/k", strconv.Itoa(n))
		if resp.StatusCode >= 300 || resp.Header.Get("Larder-Replication") == "" {
			t.Fatalf("%d %s %v", resp.StatusCode, body, resp.Header)
		}
		return resp.Header.Get("Larder-Replication") == "complete"
	})
	if resp, _ := exchange(t, http.MethodPut, base+"/tables/users/keys/ada", `2`); resp.Header.Get("Larder-Replication") != "" {
		t.Errorf("of a table that is not copied is told %q", resp.Header.Get("Larder-Replication"))
	}
	exchange(t, http.MethodPut, base+"/tables/audit_2026/keys/gone", `1`)
	if resp, _ := exchange(t, http.MethodDelete, base+"/tables/audit_2026/keys/gone", ""); resp.StatusCode != http.StatusNoContent || resp.Header.Get("Larder-Replication") != "pending" {
		t.Errorf("of a deletion: %d %v", resp.StatusCode, resp.Header)
	}
	soon(t, "the file to have everything", func() bool {
		_, body := get(t, base+"/metrics")
		return strings.Contains(body, `larder_strategy_secondaries_filling{strategy="multi-write(pg,local)"} 0`)
	})
	soon(t, "the deletion to be told, which only the feed brings", func() bool {
		told := secondaryTold(t, base, "local")
		if lag := told["secondary_lag_seconds"]; len(told) != 5 || told["secondary_filling"] != 0 || told["secondary_refused_entries_total"] != 0 || lag < 0 || lag > patience.Seconds() {
			t.Fatalf("of the secondary is told %v", told)
		}
		return told["secondary_installed_entries_total"] >= 1
	})
	if of := secondaryTold(t, base, "pg"); len(of) != 0 {
		t.Errorf("of one that is none is told %v", of)
	}
	if _, body := get(t, base+"/backends/local"); !strings.Contains(body, `"role":"secondary"`) {
		t.Errorf("the file is %s", body)
	}
	s.stop()
	if err := s.ended(); err != nil {
		t.Fatal(err)
	}
	copied, err := boltstore.Open(boltstore.Options{Path: file})
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	read, err := copied.Get(t.Context(), []store.Ref{{Table: "audit_2026", Key: "k"}, {Table: "users", Key: "ada"}})
	if err != nil || string(read.Entries[0].Value.Data) != strconv.Itoa(n) || read.Entries[0].Version != int64(n) || read.Entries[1].Exists() {
		t.Errorf("the file has %+v, %v", read.Entries, err)
	}
}

// secondaryTold are the figures of a backend as a secondary, which /metrics has as well.
func secondaryTold(t *testing.T, base, backend string) map[string]float64 {
	t.Helper()
	stats, _ := statsOf(t, base)
	_, metrics := get(t, base+"/metrics")
	told := make(map[string]float64)
	for _, b := range stats.Backends {
		for name, value := range b.Figures {
			if b.Name != backend || !strings.HasPrefix(name, "secondary_") {
				continue
			}
			told[name] = value
			if !strings.Contains(metrics, "larder_backend_"+name+`{backend="`+backend+`"} `) {
				t.Errorf("/metrics has no %s of %s", name, backend)
			}
		}
	}
	return told
}

// TestFastestRead reads from PostgreSQL and from a file, whichever answers first.
func TestFastestRead(t *testing.T) {
	cfg := settings(t)
	cfg.Primary = config.Default().Primary
	cfg.Backends = config.Backends{{Name: "pg", URL: testenv.Postgres(t)}, {Name: "local", URL: "bolt://" + filepath.Join(t.TempDir(), "copy.db")}}
	cfg.Routes = "*=fastest-read(pg,local)"
	base := "http://" + start(t, cfg, Options{}).logged("ready")["address"].(string)
	key := base + "/tables/users/keys/ada"
	exchange(t, http.MethodPut, key, `1`)
	soon(t, "the file to answer", func() bool {
		resp, body := exchange(t, http.MethodGet, key, "", "Cache-Control", "max-age=10")
		if body != "1" {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
		return resp.Header.Get("Cache-Status") == "larder; hit; detail=local" && resp.Header.Get("Age") != ""
	})
	for n := 2; n < 40; n++ {
		put, _ := exchange(t, http.MethodPut, key, strconv.Itoa(n))
		if resp, body := exchange(t, http.MethodGet, key, "", "Larder-Min-Version", put.Header.Get("Larder-Version")); body != strconv.Itoa(n) {
			t.Fatalf("version %d reads as %s by %s", n, body, resp.Header.Get("Cache-Status"))
		}
	}
}
