package pgstore

import (
	"fmt"
	"testing"

	"larder/internal/store"
)

// TestServersErrors has the server fail writes in the ways it knows. Each comes
// as what it means, nothing is written, and what only repeats is not repeated.
func TestServersErrors(t *testing.T) {
	t.Parallel()
	f := open(t)
	administer(t, f.options.URL, `
create function fail_as_told() returns trigger language plpgsql as $$
begin
	if jsonb_typeof(new.value) = 'string' then
		raise exception 'as told' using errcode = new.value #>> '{}';
	end if;
	return new;
end $$;
create trigger fail_as_told before insert or update on storage_entries for each row execute function fail_as_told()`)
	for state, code := range map[string]store.Code{
		"53100": store.StorageFull, // disk_full
		"53200": store.Unavailable, // out_of_memory
		"53300": store.Unavailable, // too_many_connections
		"55P03": store.Busy,        // lock_not_available
		"57014": store.Timeout,     // query_canceled
		"54000": store.TooLarge,    // program_limit_exceeded
		"22P05": store.InvalidJSON, // untranslatable_character
		"22P02": store.InvalidJSON, // invalid_text_representation
		"22003": store.InvalidJSON, // numeric_value_out_of_range
		"54001": store.InvalidJSON, // statement_too_complex
		"22021": store.InvalidJSON, // character_not_in_repertoire
		"XX000": store.Internal,
	} {
		t.Run(state, func(t *testing.T) {
			value := fmt.Sprintf("%q", state)
			keeping := put("k", value)
			keeping.Expiry = store.KeepExpiry()
			for name, ops := range map[string][]store.Op{
				"a plain put":     {put("k", value)},
				"another write":   {keeping},
				"plain puts":      {put("before", `1`), put("k", value)},
				"a batch":         {plusOne("before"), put("k", value)},
				"a batch's first": {put("k", value), plusOne("later")},
			} {
				repeated := f.tallies.repeated.Load()
				_, err := f.Apply(t.Context(), store.Batch{Ops: ops})
				fails(t, name, err, code)
				if n := f.tallies.repeated.Load() - repeated; n != 0 {
					t.Errorf("%s was done again %d times", name, n)
				}
			}
			for _, key := range []string{"k", "before", "later"} {
				if f.get(key).Exists() {
					t.Errorf("%s has been written", key)
				}
			}
		})
	}
	f.apply(put("k", `1`)) // the connections are sound
}
