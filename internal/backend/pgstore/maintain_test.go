package pgstore

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"larder/internal/store"
)

// TestMaintenanceOnce refuses a second VACUUM while one is under way, and breaks
// one off when its caller goes away.
func TestMaintenanceOnce(t *testing.T) {
	f := open(t)
	f.apply(put("k", `1`))
	release := f.holdTable()
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- f.Maintain(ctx, store.Maintenance{Action: store.Vacuum}) }()
	waits := `select count(*) from pg_stat_activity where datname = current_database() and query like 'vacuum%' and wait_event_type = 'Lock'`
	poll(t, "VACUUM to wait", func() bool { return f.count(waits) == 1 })
	fails(t, "another", f.Maintain(t.Context(), store.Maintenance{Action: store.Analyze}), store.Busy)
	cancel()
	fails(t, "the one broken off", <-done, store.Canceled)
	poll(t, "VACUUM to end", func() bool { return f.count(waits) == 0 })
	release()
	if err := f.Maintain(t.Context(), store.Maintenance{Action: store.Vacuum}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestStatisticsFollow has a statement planned while the table is small. Once
// the table has grown, the store sees to it that it is planned anew.
func TestStatisticsFollow(t *testing.T) {
	f := open(t, func(o *Options) { o.MinConnections, o.MaxConnections = 1, 1 })
	f.apply(put("k", `1`))
	if err := f.Maintain(t.Context(), store.Maintenance{Action: store.Analyze}); err != nil {
		t.Fatal(err)
	}
	get := func() {
		for range 10 { // PostgreSQL plans for good after five
			if _, err := f.Get(t.Context(), []store.Ref{ref("k")}); err != nil {
				t.Fatal(err)
			}
		}
	}
	reads := func() int64 {
		return f.count(`select seq_tup_read from pg_stat_user_tables where relname = 'storage_entries'`)
	}
	get()
	administer(t, f.options.URL, `
insert into storage_entries (table_name, key, value, version, updated_at, deleted, xid, sequence)
select 't', 'key ' || i, to_jsonb(repeat('x', 100)), 1, now(), false, pg_current_xact_id(), 2 * i from generate_series(1, 5000) i`)
	if did, err := f.refreshStatistics(t.Context()); err != nil || !did {
		t.Fatalf("renewed: %v, %v", did, err)
	}
	if n := f.count(`select reltuples::bigint from pg_class where relname = 'storage_entries'`); n < 4000 {
		t.Fatalf("the planner thinks of %d rows", n)
	}
	before := reads()
	get()
	if after := reads(); after > before+1000 {
		t.Errorf("ten entries are read by looking at %d rows", after-before)
	}
	analyzed := f.count(`select analyze_count from pg_stat_user_tables where relname = 'storage_entries'`)
	if did, err := f.refreshStatistics(t.Context()); err != nil || did {
		t.Fatalf("renewed again: %v, %v", did, err)
	}
	if again := f.count(`select analyze_count from pg_stat_user_tables where relname = 'storage_entries'`); again != analyzed {
		t.Errorf("analyzed %d times, without need", again-analyzed)
	}
}

// TestInspection says what the server's settings mean for an acknowledged write.
func TestInspection(t *testing.T) {
	f := open(t)
	f.apply(put("k", `1`))
	at, err := f.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if at.Details["schema"] != "public" || at.Details["pooler"] != "false" || at.Details["server_version"] == "" {
		t.Errorf("the details are %v", at.Details)
	}
	figures := make(map[string]float64)
	for _, figure := range at.Figures {
		if _, again := figures[figure.Name]; again || figure.Help == "" {
			t.Errorf("figure %q is there twice, or has no help", figure.Name)
		}
		figures[figure.Name] = figure.Value
	}
	for _, name := range []string{"storage_bytes", "database_bytes", "connections_max", "commits_total"} {
		if figures[name] <= 0 {
			t.Errorf("%s is %v", name, figures[name])
		}
	}
	for setting, said := range map[setup]string{
		{fsync: "off", commit: "on"}:                               "fsync off",
		{fsync: "on", commit: "off"}:                               "the last moments",
		{fsync: "on", commit: "on"}:                                "survives a crash of larder, of the server and of its host",
		{fsync: "on", commit: "local", standbys: "a"}:              "of its host",
		{fsync: "on", commit: "on", standbys: "a"}:                 "the loss of the server",
		{fsync: "on", commit: "remote_write", standbys: "a"}:       "in memory",
		{fsync: "on", commit: "remote_apply", standbys: "any (a)"}: "can be read there",
	} {
		if got := setting.durability(); !strings.Contains(got, said) {
			t.Errorf("%+v: %s", setting, got)
		}
	}
}

// TestMaintenanceThroughPgBouncer does what takes a connection of its own where
// a pooler lends out the sessions.
func TestMaintenanceThroughPgBouncer(t *testing.T) {
	url := throughPgBouncer(t)
	f := open(t, func(o *Options) { o.URL = url })
	f.odd()
	for _, action := range []store.Action{store.Cleanup, store.Vacuum, store.Analyze} {
		if err := f.Maintain(t.Context(), store.Maintenance{Action: action}); err != nil {
			t.Errorf("%s: %v", action, err)
		}
	}
	if _, err := f.refreshStatistics(t.Context()); err != nil {
		t.Error(err)
	}
	if at, err := f.Inspect(t.Context()); err != nil || at.Details["pooler"] != "true" {
		t.Errorf("%+v, %v", at, err)
	}
	if tables, err := f.Tables(t.Context()); err != nil || len(tables) != 1 {
		t.Errorf("%+v, %v", tables, err)
	}
	var text bytes.Buffer
	if _, err := f.Snapshot(t.Context(), &text); err != nil {
		t.Fatal(err)
	}
	restored := open(t, func(o *Options) {
		o.URL = throughPgBouncer(t)
		psql(t, o.URL, text.Bytes())
	})
	if before, after := f.everything(), restored.everything(); len(before) != len(after) || len(after) == 0 {
		t.Errorf("there were %d entries, and are %d", len(before), len(after))
	}
}
