package pgstore

import (
	"testing"

	"larder/internal/store"
)

// TestTablesOfManyEntries counts a small table, and estimates one that has more
// entries than are counted.
func TestTablesOfManyEntries(t *testing.T) {
	f := open(t)
	f.apply(put("k", `1`))
	administer(t, f.options.URL, `
insert into storage_entries (table_name, key, value, version, updated_at, deleted, xid, sequence)
select 'it''s many', 'key ' || i, '1', 1, now(), i % 4 = 0, pg_current_xact_id(), 2 * i from generate_series(1, 40000) i`)
	if err := f.Maintain(t.Context(), store.Maintenance{Action: store.Analyze}); err != nil {
		t.Fatal(err)
	}
	tables, err := f.Tables(t.Context())
	if err != nil || len(tables) != 2 {
		t.Fatalf("Tables: %+v, %v", tables, err)
	}
	if many := tables[0]; many.Name != "it's many" || !many.Estimated || many.Entries < 25_000 || many.Entries > 35_000 {
		t.Errorf("the large table is %+v", many)
	}
	if small := tables[1]; small.Name != "t" || small.Estimated || small.Entries != 1 {
		t.Errorf("the small table is %+v", small)
	}
}
