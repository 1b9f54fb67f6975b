package pgstore

import (
	"fmt"
	"os"
	"testing"

	"larder/internal/store"
)

// TestRoleThatOwnsNothing serves under a role that may read and write, no more:
// what it can't do is refused by name, and leaves nothing half done.
func TestRoleThatOwnsNothing(t *testing.T) {
	t.Parallel()
	owner := open(t)
	role := fmt.Sprintf("larder_writer_%d", os.Getpid())
	administer(t, owner.options.URL, `
create role `+role+` login;
grant usage on schema public to `+role+`;
grant select, insert, update, delete on all tables in schema public to `+role)
	t.Cleanup(func() { administer(t, owner.options.URL, "drop owned by "+role+"; drop role "+role) })
	f := open(t, func(o *Options) { o.URL = withUser(t, owner.options.URL, role) })
	f.apply(put("a", `{"n":1}`))
	f.apply(put("a", `{"n":2}`), remove("b"))

	def := store.Index{Name: "by_n", Fields: []store.IndexField{{Path: []string{"n"}, Type: store.NumberField}}}
	_, err := f.PutIndex(t.Context(), "t", def)
	fails(t, "an index on tables of another's", err, store.Unsupported)
	if left, err := f.Indexes(t.Context(), "t"); err != nil || len(left) != 0 {
		t.Errorf("the refused index has left %+v, %v", left, err)
	}
	owner.index("by_m", store.IndexField{Path: []string{"m"}, Type: store.NumberField})
	fails(t, "dropping an index of another's", f.DropIndex(t.Context(), "t", "by_m"), store.Unsupported)
	if left, err := f.Indexes(t.Context(), "t"); err != nil || len(left) != 1 || !left[0].Ready {
		t.Errorf("the index that could not be dropped is %+v, %v", left, err)
	}
	for _, action := range []store.Action{store.Vacuum, store.Analyze} {
		fails(t, string(action)+" of tables of another's", f.Maintain(t.Context(), store.Maintenance{Action: action}), store.Unsupported)
	}
	f.holds("a", `{"n":2}`)
}
