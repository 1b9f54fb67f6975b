package app

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"larder/api"
	"larder/internal/replica"
	"larder/internal/store"
	"larder/internal/testenv"
)

// ended begins an operation and waits until it has ended.
func ended(t *testing.T, base, path, body string) api.Operation {
	t.Helper()
	resp, text := exchange(t, http.MethodPost, base+path, body)
	if resp.StatusCode != http.StatusAccepted || resp.Header.Get("Location") == "" {
		t.Fatalf("%d %s", resp.StatusCode, text)
	}
	var op api.Operation
	soon(t, "the operation to end", func() bool {
		_, text := exchange(t, http.MethodGet, base+resp.Header.Get("Location"), "")
		if err := json.Unmarshal([]byte(text), &op); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return op.State != api.OperationStateRunning
	})
	return op
}

// TestCopyOverHTTP copies a table from PostgreSQL to Redis.
func TestCopyOverHTTP(t *testing.T) {
	redis := testenv.Redis(t)
	cfg := overBoth(t, testenv.Postgres(t), redis.URL)
	cfg.RedisPrefix = redis.Prefix
	cfg.Backends = cfg.Backends[:2]
	cfg.Routes = "*=cache-aside(pg,hot); sessions*=primary-only(hot)"
	base := "http://" + start(t, cfg, Options{}).logged("ready")["address"].(string)
	for n := range 30 {
		exchange(t, http.MethodPut, base+"/tables/users/keys/k"+strconv.Itoa(n%20), strconv.Itoa(n))
	}
	for body, want := range map[string]string{
		`{"from":"pg","to":"pg"}`:                                        `"/to"`,
		`{"from":"nobody","to":"pg"}`:                                    `"/from"`,
		`{"from":"pg","to":"hot","tables":"a b"}`:                        `"/tables"`,
		`{"from":"pg","to":"hot","tables":"_routes"}`:                    `"/tables"`,
		`{"from":"pg","to":"hot","tables":"sessions"}`:                   `no table of sessions`,
		`{"from":"pg","to":"hot","tables":"users","conflict":"perhaps"}`: `"/conflict"`,
		`{"from":"pg"}`: `"/to"`,
	} {
		if resp, text := exchange(t, http.MethodPost, base+"/copies", body); resp.StatusCode != http.StatusBadRequest || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", body, resp.StatusCode, text)
		}
	}
	op := ended(t, base, "/copies", `{"from":"pg","to":"hot","tables":"users"}`)
	var came copyResult
	if err := json.Unmarshal(op.Result, &came); err != nil || op.State != api.OperationStateSucceeded || came.Compared != 20 || came.Repaired != 0 {
		t.Errorf("it came to %s %s %+v, %v", op.State, op.Result, op.Error, err)
	}
	if resp, text := exchange(t, http.MethodPost, base+"/copies", `{"from":"pg","to":"hot","tables":"us*"}`); resp.StatusCode != http.StatusConflict || !strings.Contains(text, "table_not_empty") {
		t.Errorf("once more: %d %s", resp.StatusCode, text)
	}
	exchange(t, http.MethodDelete, base+"/tables/users/keys/k0", "")
	if op = ended(t, base, "/copies", `{"from":"pg","to":"hot","conflict":"newer"}`); op.State != api.OperationStateSucceeded {
		t.Errorf("over what is there it came to %+v", op.Error)
	}
	exchange(t, http.MethodPut, base+"/routes?moves=allowed", `{"routes":[{"pattern":"*","strategy":"primary-only","members":["hot"]}]}`)
	if resp, text := exchange(t, http.MethodGet, base+"/tables/users/keys/k1", ""); text != "21" || resp.Header.Get("Larder-Version") != "2" {
		t.Errorf("the copy has %s, %v", text, resp.Header)
	}
	if resp, _ := exchange(t, http.MethodGet, base+"/tables/users/keys/k0", ""); resp.StatusCode != http.StatusNotFound {
		t.Errorf("what was deleted is there: %d", resp.StatusCode)
	}
}

// TestCopyOverNewerVersions copies a table to where a key has a newer version: that stays, and
// the table is not moved there, for what is written to it would be lost.
func TestCopyOverNewerVersions(t *testing.T) {
	redis := testenv.Redis(t)
	cfg := overBoth(t, testenv.Postgres(t), redis.URL)
	cfg.RedisPrefix = redis.Prefix
	cfg.Backends = cfg.Backends[:2]
	cfg.Routes = "*=primary-only(hot)"
	base := "http://" + start(t, cfg, Options{}).logged("ready")["address"].(string)
	key := base + "/tables/users/keys/k"
	for n := range 3 {
		exchange(t, http.MethodPut, key, strconv.Itoa(n))
	}
	if resp, text := exchange(t, http.MethodPut, base+"/routes?moves=allowed", `{"routes":[{"pattern":"*","strategy":"primary-only","members":["pg"]}]}`); resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", resp.StatusCode, text)
	}
	exchange(t, http.MethodPut, key, `"written here"`)
	op := ended(t, base, "/copies", `{"from":"pg","to":"hot","tables":"users","conflict":"newer"}`)
	var came copyResult
	if err := json.Unmarshal(op.Result, &came); err != nil || op.State != api.OperationStateSucceeded || came.Differences[replica.Ahead] != 1 {
		t.Errorf("it came to %s %s %+v, %v", op.State, op.Result, op.Error, err)
	}
	op = ended(t, base, "/copies", `{"from":"pg","to":"hot","tables":"users","conflict":"newer","switch":true}`)
	if op.State != api.OperationStateFailed || op.Error == nil || op.Error.Code != string(store.TableNotEmpty) || !strings.Contains(op.Error.Detail, "hot has newer versions of 1 keys") {
		t.Errorf("the move came to %s %+v", op.State, op.Error)
	}
	if resp, text := exchange(t, http.MethodPut, key, `2`, "If-Match", `"1"`); resp.StatusCode != http.StatusOK {
		t.Errorf("written afterwards: %d %s", resp.StatusCode, text)
	}
}
