package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"larder/api"
	"larder/internal/testenv"
)

const source = "/usr/share/iso-codes/json"

// TestImport imports all of iso-codes as a reader would, and compares every
// entry with the document it comes from.
func TestImport(t *testing.T) {
	larder := testenv.Build(t).Serve(t, testenv.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	script := exec.CommandContext(ctx, "./import.sh")
	script.Env = append(testenv.Environ(), "LARDER_URL="+larder.URL)
	if output, err := script.CombinedOutput(); err != nil {
		t.Fatalf("import.sh: %v\n%s", err, output)
	}
	client, err := api.NewClientWithResponses(larder.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range standards {
		t.Run(s.table, func(t *testing.T) {
			want := documents(t, s)
			got := stored(t, client, s.table)
			if len(got) != len(want) {
				t.Errorf("%d entries, and %s has %d", len(got), s.file, len(want))
			}
			for key, document := range want {
				if !reflect.DeepEqual(got[key], document) {
					t.Errorf("%s is %v, and in %s %v", key, got[key], s.file, document)
				}
			}
		})
	}
}

// TestStandardsAreAll holds that no file of the package is forgotten.
func TestStandardsAreAll(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(source, "iso_*.json"))
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[string]bool)
	for _, s := range standards {
		known[s.file] = true
	}
	for _, file := range files {
		if !known[filepath.Base(file)] {
			t.Errorf("%s is not imported", file)
		}
	}
	if len(files) != len(standards) {
		t.Errorf("%d files for %d standards", len(files), len(standards))
	}
}

// documents gives what a file has, by key.
func documents(t *testing.T, s standard) map[string]any {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(source, s.file))
	if err != nil {
		t.Fatal(err)
	}
	var file map[string][]map[string]any
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	byKey := make(map[string]any)
	for _, all := range file {
		for _, document := range all {
			key, ok := document[s.key].(string)
			if _, twice := byKey[key]; !ok || twice {
				t.Fatalf("%s is no key of %v: missing, or there twice", s.key, document)
			}
			byKey[key] = document
		}
	}
	return byKey
}

// stored gives what a table has, by key.
func stored(t *testing.T, client *api.ClientWithResponses, table string) map[string]any {
	t.Helper()
	byKey := make(map[string]any)
	params := &api.ListKeysParams{Limit: new(1000)}
	for {
		page, err := client.ListKeysWithResponse(t.Context(), table, params)
		if err != nil {
			t.Fatal(err)
		}
		if page.JSON200 == nil {
			t.Fatalf("%s: %s", page.Status(), page.Body)
		}
		for _, entry := range page.JSON200.Items {
			var document any
			if err := json.Unmarshal(entry.Value, &document); err != nil {
				t.Fatal(err)
			}
			byKey[entry.Key] = document
		}
		if page.JSON200.NextCursor == "" {
			return byKey
		}
		params.Cursor = new(page.JSON200.NextCursor)
	}
}
