package app

import (
	"encoding/json"
	"maps"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"larder/api"
	"larder/internal/backend"
	"larder/internal/config"
	"larder/internal/replica"
	"larder/internal/store"
	"larder/internal/testenv"
	"larder/internal/value"
)

// await gives an operation once it has ended.
func await(t *testing.T, at, location string) (op api.Operation) {
	t.Helper()
	soon(t, "the operation to end", func() bool {
		resp, body := exchange(t, http.MethodGet, at+location, "")
		op = api.Operation{}
		if err := json.Unmarshal([]byte(body), &op); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
		return op.State != api.OperationStateRunning
	})
	return op
}

// begin asks for an operation and gives where it is.
func begin(t *testing.T, url, body string) (location string) {
	t.Helper()
	resp, text := exchange(t, http.MethodPost, url, body)
	if resp.StatusCode != http.StatusAccepted || resp.Header.Get("Location") == "" {
		t.Fatalf("POST %s: %d %s", url, resp.StatusCode, text)
	}
	return resp.Header.Get("Location")
}

// repairsOf are the secondaries as a gateway tells them.
func repairsOf(t *testing.T, at string) []api.Repair {
	t.Helper()
	resp, body := exchange(t, http.MethodGet, at+"/repairs", "")
	var told api.RepairList
	if err := json.Unmarshal([]byte(body), &told); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	return told.Items
}

// tamper has a Redis hold something else than larder has brought there, and leaves the
// place in the feed as it is.
func tamper(t *testing.T, server *testenv.RedisServer) {
	t.Helper()
	open := func() store.Store {
		t.Helper()
		s, err := backend.Open(t.Context(), server.URL, backend.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	feed, err := s.Changes(t.Context(), store.Changes{})
	if err != nil || feed.More {
		t.Fatal(err, feed.More)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	server.Do(t, "FLUSHALL")
	s = open()
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	var entries []store.Entry
	for _, c := range feed.Changes {
		e := c.Entry
		switch e.Key {
		case "missing":
			continue
		case "behind":
			e.Version--
		case "deleted":
			e.Version, e.Deleted, e.Value = e.Version-1, false, value.Value{Data: []byte("1")}
			e.CreatedAt = e.UpdatedAt
		case "differing":
			e.UpdatedAt = e.UpdatedAt.Add(time.Second)
		}
		entries = append(entries, e)
	}
	at := time.Now().UTC().Truncate(time.Microsecond)
	extra := store.Entry{Ref: store.Ref{Table: "audit_1", Key: "extra"}, Version: 1, Value: value.Value{Data: []byte("1")}, CreatedAt: at, UpdatedAt: at}
	if err := s.Install(t.Context(), append(entries, extra)); err != nil {
		t.Fatal(err)
	}
}

// TestRepairs writes to a secondary behind larder's back, finds that by one gateway, and has
// it put right by the other.
func TestRepairs(t *testing.T) {
	redis := testenv.StartRedis(t, testenv.RedisOptions{})
	cfg := settings(t)
	cfg.Primary = config.Default().Primary
	cfg.Backends = config.Backends{{Name: "pg", URL: testenv.Postgres(t)}, {Name: "hot", URL: redis.URL}}
	cfg.Routes = "*=primary-only(pg); audit_*=multi-write(pg,hot)"
	first := start(t, cfg, Options{})
	base := "http://" + first.logged("ready")["address"].(string)
	for n := range 20 {
		exchange(t, http.MethodPut, base+"/tables/audit_1/keys/k"+strconv.Itoa(n), "1")
	}
	for _, key := range []string{"missing", "behind", "deleted", "differing"} {
		exchange(t, http.MethodPut, base+"/tables/audit_1/keys/"+key, "1")
		exchange(t, http.MethodPut, base+"/tables/audit_1/keys/"+key, "2")
	}
	exchange(t, http.MethodPut, base+"/tables/users/keys/ada", "1")
	exchange(t, http.MethodDelete, base+"/tables/audit_1/keys/deleted", "")
	written := time.Now()
	soon(t, "Redis to have all", func() bool {
		all := repairsOf(t, base)
		if len(all) != 1 || all[0].Strategy != "multi-write(pg,hot)" || all[0].Primary != "pg" || all[0].Secondary != "hot" || all[0].Verification != nil {
			t.Fatalf("told is %+v", all)
		}
		return all[0].State == api.RepairStateFollowing && all[0].Place != "" && *all[0].LagSeconds < time.Since(written).Seconds()
	})
	if op := await(t, base, begin(t, base+"/repairs/verify", `{}`)); op.State != api.OperationStateSucceeded || !strings.Contains(string(op.Result), `"same":true`) {
		t.Errorf("before anything is wrong: %s %s", op.State, op.Result)
	}
	first.stop()
	if err := first.ended(); err != nil {
		t.Fatal(err)
	}
	tamper(t, redis)

	here := "http://" + start(t, cfg, Options{}).logged("ready")["address"].(string)
	there := "http://" + start(t, cfg, Options{}).logged("ready")["address"].(string)
	verified := func(body string) verifiedPair {
		t.Helper()
		op := await(t, there, begin(t, here+"/repairs/verify", body))
		var result verifyResult
		if err := json.Unmarshal(op.Result, &result); err != nil || op.State != api.OperationStateSucceeded || len(result.Secondaries) != 1 {
			t.Fatalf("%s %s %+v", op.State, op.Result, op.Error)
		}
		found := result.Secondaries[0]
		last := repairsOf(t, there)[0].Verification
		if last == nil || last.Operation != op.ID || last.Compared != found.Compared || last.Repaired != found.Repaired {
			t.Errorf("the last verification is %+v", last)
		}
		return found
	}
	kinds := map[string]replica.Kind{"missing": replica.Missing, "behind": replica.Behind, "deleted": replica.Behind, "differing": replica.Differing, "extra": replica.Extra}
	found := verified(`{"strategy":"multi-write(pg,hot)"}`)
	if got := kindsOf(found); !maps.Equal(got, kinds) || found.Compared != 25 || found.Repaired != 0 {
		t.Errorf("found was %+v", found)
	}
	if found := verified(`{"tables":["audit_2*"]}`); found.Compared != 0 {
		t.Errorf("of another table there was %+v", found)
	}

	op := await(t, there, begin(t, here+"/repairs/replay", `{"primary":"pg","secondary":"hot"}`))
	var replayed replayResult
	if err := json.Unmarshal(op.Result, &replayed); err != nil || op.State != api.OperationStateSucceeded || len(replayed.Secondaries) != 1 || replayed.Secondaries[0].Installed < 24 {
		t.Errorf("%s %s", op.State, op.Result)
	}
	delete(kinds, "missing")
	delete(kinds, "behind")
	delete(kinds, "deleted")
	if got := kindsOf(verified(`{}`)); !maps.Equal(got, kinds) {
		t.Errorf("after it is copied afresh there is %v", got)
	}
	if found := verified(`{"repair":true,"remove_extras":true,"tables":["audit_1"]}`); found.Repaired != 1 {
		t.Errorf("repairing gave %+v", found)
	}
	if got := kindsOf(verified(`{}`)); len(got) != 1 || got["differing"] == "" {
		t.Errorf("left is %v", got)
	}
}

func kindsOf(v verifiedPair) map[string]replica.Kind {
	kinds := make(map[string]replica.Kind)
	for _, d := range v.Differences {
		kinds[d.Key] = d.Kind
	}
	return kinds
}

// TestRepairsRepair has a verification give a secondary what it lacks.
func TestRepairsRepair(t *testing.T) {
	redis := testenv.StartRedis(t, testenv.RedisOptions{})
	cfg := settings(t)
	cfg.Primary = config.Default().Primary
	cfg.Backends = config.Backends{{Name: "local", URL: "bolt://" + filepath.Join(t.TempDir(), "x.db")}, {Name: "hot", URL: redis.URL}}
	cfg.Routes = "*=fastest-read(local,hot)"
	first := start(t, cfg, Options{})
	base := "http://" + first.logged("ready")["address"].(string)
	for _, key := range []string{"missing", "behind", "deleted"} {
		exchange(t, http.MethodPut, base+"/tables/t/keys/"+key, "1")
		exchange(t, http.MethodPut, base+"/tables/t/keys/"+key, "2")
	}
	exchange(t, http.MethodDelete, base+"/tables/t/keys/deleted", "")
	soon(t, "Redis to have all", func() bool {
		return strings.Contains(string(await(t, base, begin(t, base+"/repairs/verify", `{"values":true}`)).Result), `"same":true`)
	})
	first.stop()
	if err := first.ended(); err != nil {
		t.Fatal(err)
	}
	tamper(t, redis)
	again := "http://" + start(t, cfg, Options{}).logged("ready")["address"].(string)
	op := await(t, again, begin(t, again+"/repairs/verify", `{"repair":true,"remove_extras":true}`))
	if text := string(op.Result); !strings.Contains(text, `"same":true`) || !strings.Contains(text, `"counts":{"behind":2,"extra":1,"missing":1}`) {
		t.Errorf("repairing gave %s", text)
	}
	if text := string(await(t, again, begin(t, again+"/repairs/verify", `{"values":true}`)).Result); !strings.Contains(text, `"same":true,`) || !strings.Contains(text, `"compared":2,`) {
		t.Errorf("left is %s", text)
	}
}

// TestRepairsRefused asks for what can't be.
func TestRepairsRefused(t *testing.T) {
	cfg := settings(t)
	cfg.Primary = config.Default().Primary
	dir := t.TempDir()
	cfg.Backends = config.Backends{{Name: "a", URL: "bolt://" + filepath.Join(dir, "a.db")}, {Name: "b", URL: "bolt://" + filepath.Join(dir, "b.db")}}
	cfg.Routes = "*=primary-only(a); t=multi-write(a,b)"
	base := "http://" + start(t, cfg, Options{}).logged("ready")["address"].(string)
	for _, tt := range []struct{ path, body, want string }{
		{"verify", `{"strategy":"multi-write(b,a)"}`, `"pointer":"/strategy"`},
		{"verify", `{"primary":"b"}`, `"pointer":"/primary"`},
		{"verify", `{"secondary":"a"}`, `it can be b`},
		{"verify", `{"tables":["t","_routes"]}`, `"pointer":"/tables/1"`},
		{"verify", `{"remove_extras":true}`, `"pointer":"/remove_extras"`},
		{"verify", `{"repairs":true}`, `"pointer":"/repairs"`},
		{"replay", `{"strategy":"primary-only(a)"}`, `"pointer":"/strategy"`},
		{"replay", `{"tables":["t"]}`, `"pointer":"/tables"`},
	} {
		if resp, body := exchange(t, http.MethodPost, base+"/repairs/"+tt.path, tt.body); resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, tt.want) {
			t.Errorf("%s %s: %d %s", tt.path, tt.body, resp.StatusCode, body)
		}
	}
	cfg.Routes = "*=primary-only(a)"
	cfg.Backends[0].URL, cfg.Backends[1].URL = "bolt://"+filepath.Join(dir, "c.db"), "bolt://"+filepath.Join(dir, "d.db")
	base = "http://" + start(t, cfg, Options{}).logged("ready")["address"].(string)
	if resp, body := exchange(t, http.MethodPost, base+"/repairs/replay", `{}`); resp.StatusCode != http.StatusNotImplemented {
		t.Errorf("without secondaries: %d %s", resp.StatusCode, body)
	}
	if all := repairsOf(t, base); len(all) != 0 {
		t.Errorf("without secondaries there is %+v", all)
	}
}
