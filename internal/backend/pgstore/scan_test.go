package pgstore

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"larder/internal/store"
)

// many writes 30,000 entries into two tables, in 100 groups of keys, a tenth of
// them to end some day, and analyzes.
func (f *fixture) many() {
	f.t.Helper()
	administer(f.t, f.options.URL, `
insert into storage_entries (table_name, key, value, version, updated_at, expires_at, deleted, xid, sequence)
select 't' || i % 2, 'g' || lpad((i / 300)::text, 3, '0') || '/' || lpad(i::text, 6, '0'), to_jsonb(i), 1,
	now(), case when i % 10 = 0 then now() + i * interval '1 minute' end, false, pg_current_xact_id(), 2 * i
from generate_series(1, 30000) i`)
	if err := f.Maintain(f.t.Context(), store.Maintenance{Action: store.Analyze}); err != nil {
		f.t.Fatal(err)
	}
}

// plans has the server say how it runs a statement: with these arguments, and
// without knowing any.
func (f *fixture) plans(sql string, args []any) (known, blind string) {
	f.t.Helper()
	conn := f.session()
	unknown := ""
	if len(args) > 0 {
		unknown = "(" + strings.TrimSuffix(strings.Repeat("null, ", len(args)), ", ") + ")"
	}
	for _, sql := range []string{"set plan_cache_mode = force_generic_plan", "prepare it as " + sql} {
		if _, err := conn.Exec(f.t.Context(), sql); err != nil {
			f.t.Fatalf("%v\n%s", err, sql)
		}
	}
	return f.explain(conn, "explain "+sql, args...), f.explain(conn, "explain execute it"+unknown)
}

func (f *fixture) explain(conn *pgx.Conn, sql string, args ...any) string {
	f.t.Helper()
	rows, err := conn.Query(f.t.Context(), sql, args...)
	if err != nil {
		f.t.Fatalf("%v\n%s", err, sql)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		f.t.Fatalf("%v\n%s", err, sql)
	}
	return strings.Join(lines, "\n") + "\n"
}

// TestStatementsUseIndexes makes sure that no statement of reading looks at a
// table from end to end, nor sorts what an index has in order.
func TestStatementsUseIndexes(t *testing.T) {
	f := open(t)
	f.many()
	now := f.now()
	statements := map[string]struct {
		sql  string
		args []any
	}{
		"get of a table":  {f.readSQL.getOfTable, []any{"t1", []string{"g000/000001", "x"}, now}},
		"get":             {f.readSQL.get, []any{[]string{"t0", "t1"}, []string{"g000/000001", "x"}, now}},
		"feed":            {f.readSQL.feed, []any{"t1", uint64(1), int64(0), 100, "", false, nil}},
		"feed, early":     {f.readSQL.feedKeys, []any{"t1", uint64(1), int64(0), 100, "", true, nil}},
		"feed of all":     {f.readSQL.feedOfAll, []any{uint64(1), int64(0), 100, "", false, nil}},
		"all, early":      {f.readSQL.feedOfAllKeys, []any{uint64(1), int64(0), 100, "", true, nil}},
		"tailer":          {f.readSQL.poll, []any{[]string{"t0", "t1"}, uint64(1), 100}},
		"tailer of all":   {f.readSQL.pollAll, []any{uint64(1), 100}},
		"names of tables": {f.readSQL.tableNames, nil},
		"what is due":     {f.readSQL.dueTables, []any{"", now}},
		"old tombstones":  {f.readSQL.oldTombstones, []any{now, "", 100, int64(1)}},
		"forgetting":      {f.readSQL.forget, []any{now, "", 100, int64(1)}},
	}
	for name, scan := range map[string]store.Scan{
		"keys":            {},
		"keys backwards":  {Reverse: true, Prefix: "g05"},
		"keys after":      {After: "g050/015001", KeysOnly: true},
		"groups":          {Delimiter: "/"},
		"groups back":     {Delimiter: "/", Reverse: true, Prefix: "g", After: "g050/"},
		"changes":         {Order: store.ByChange},
		"changes after":   {Order: store.ByChange, After: "1.5"},
		"expiries":        {Order: store.ByExpiry},
		"expiries after":  {Order: store.ByExpiry, After: "1:x", ExpiringBefore: time.Now().Add(time.Hour)},
		"changes of keys": {Order: store.ByChange, Prefix: "g05", ModifiedSince: time.Now().Add(-time.Hour)},
	} {
		scan.Table, scan.Limit = "t1", 100
		q := f.selectionOf(t, scan)
		statements["scan of "+name] = struct {
			sql  string
			args []any
		}{q.text(), q.args}
	}
	for name, statement := range statements {
		known, blind := f.plans(statement.sql, statement.args)
		for _, plan := range []string{known, blind} {
			if strings.Contains(plan, "Seq Scan on storage_entries") {
				t.Errorf("%s:\n%s", name, plan)
			}
		}
		if strings.HasPrefix(name, "scan of ") && !strings.HasPrefix(name, "scan of groups") && strings.Contains(known, "Sort ") {
			t.Errorf("%s sorts:\n%s", name, known)
		}
	}
}

// selectionOf is the statement of a scan.
func (f *fixture) selectionOf(t *testing.T, scan store.Scan) *selection {
	t.Helper()
	p := pager{s: f.Store, scan: &scan, limit: scan.Limit}
	q, some, err := p.selection()
	if err != nil || !some {
		t.Fatalf("%+v: %v, %v", scan, some, err)
	}
	return q
}

// readRows are how many rows a step of the walk finds, and so reads.
var readRows = regexp.MustCompile(`Index Scan(?: Backward)? using storage_entries_pkey on storage_entries e_2 \(actual rows=(\d+) `)

// TestGroupsAreJumpedOver rolls up 15,000 keys without reading them.
func TestGroupsAreJumpedOver(t *testing.T) {
	f := open(t)
	f.many()
	for _, reverse := range []bool{false, true} {
		scan := store.Scan{Table: "t1", Delimiter: "/", Limit: 1000, Reverse: reverse}
		q := f.selectionOf(t, scan)
		plan := f.explain(f.session(), "explain (analyze, costs off, timing off, summary off) "+q.text(), q.args...)
		if found := readRows.FindStringSubmatch(plan); len(found) != 2 || len(found[1]) > 1 {
			t.Errorf("more than a row is read in a step:\n%s", plan)
		}
		page, err := f.Scan(t.Context(), scan)
		if err != nil || len(page.Prefixes) != 100 || len(page.Entries) != 0 || page.Next != "" {
			t.Errorf("%d groups, %d entries, next %q: %v", len(page.Prefixes), len(page.Entries), page.Next, err)
		}
	}
}

// TestScanBounds asks for what lies at the ends of what there can be.
func TestScanBounds(t *testing.T) {
	f := open(t)
	highest := strings.Repeat("\U0010ffff", store.MaxKeyBytes/4)
	keys := []string{"a", "a/", "a/\U0010ffff", "a/" + strings.Repeat("\U0010ffff", 255), "a0", "\U0010ffff", "\U0010ffff/1", highest}
	for _, key := range keys {
		f.apply(mortal(key, store.MaxTTL))
	}
	found := func(s store.Scan) (got []string) {
		t.Helper()
		for s.Table = "t"; ; {
			page, err := f.Scan(t.Context(), s)
			if err != nil {
				t.Fatalf("%+v: %v", s, err)
			}
			for _, e := range page.Entries {
				got = append(got, e.Key)
			}
			for _, p := range page.Prefixes {
				got = append(got, "group "+p)
			}
			if s.After = page.Next; s.After == "" {
				return got
			}
		}
	}
	for _, limit := range []int{1, 0} {
		for _, c := range []struct {
			scan store.Scan
			want int
		}{
			{store.Scan{Limit: limit}, len(keys)},
			{store.Scan{Limit: limit, Reverse: true}, len(keys)},
			{store.Scan{Limit: limit, Prefix: "a/"}, 3},
			{store.Scan{Limit: limit, Prefix: "a/\U0010ffff"}, 2},
			{store.Scan{Limit: limit, Prefix: "\U0010ffff"}, 3},
			{store.Scan{Limit: limit, Prefix: highest}, 1},
			{store.Scan{Limit: limit, Prefix: "a/", Start: "a/\U0010ffff"}, 2},
			{store.Scan{Limit: limit, Prefix: "a/", End: "a/\U0010ffff"}, 1},
			{store.Scan{Limit: limit, Start: "b", End: "a"}, 0},
			{store.Scan{Limit: limit, Prefix: "b", End: "a"}, 0},
			{store.Scan{Limit: limit, Delimiter: "/"}, 6},
			{store.Scan{Limit: limit, Delimiter: "/", Reverse: true}, 6},
			{store.Scan{Limit: limit, Delimiter: "\U0010ffff"}, 5},
			{store.Scan{Limit: limit, Delimiter: "\U0010ffff", Reverse: true}, 5},
			{store.Scan{Limit: limit, Order: store.ByExpiry}, len(keys)},
			{store.Scan{Limit: limit, Order: store.ByExpiry, ExpiringBefore: time.Unix(math.MaxInt32*10000, 0)}, len(keys)},
			{store.Scan{Limit: limit, Order: store.ByExpiry, ExpiringBefore: time.Unix(-math.MaxInt32*10000, 0)}, 0},
			{store.Scan{Limit: limit, Order: store.ByChange, ModifiedSince: time.Unix(math.MaxInt32*10000, 0)}, 0},
			{store.Scan{Limit: limit, Order: store.ByChange, ModifiedSince: time.Unix(-math.MaxInt32*10000, 0)}, len(keys)},
		} {
			if got := found(c.scan); len(got) != c.want {
				t.Errorf("%+v: found %d, want %d: %.300q", c.scan, len(got), c.want, fmt.Sprint(got))
			}
		}
	}
}
