package redisstore

import (
	"testing"

	"larder/internal/store"
	"larder/internal/value"
)

// TestShardsFollowTheFirst has a shard lack an index that the others have, and another
// have one that was dropped.
func TestShardsFollowTheFirst(t *testing.T) {
	s := open(t, func(o *Options) { o.Shards = 4 })
	var ops []store.Op
	for i := range 100 {
		ops = append(ops, put(string(rune('A'+i%26))+string(rune('a'+i/26)), `{"age":7}`))
	}
	for _, op := range ops {
		s.apply(op)
	}
	s.index("age", numberField("age"))
	l := s.link.Load()
	third, second := &l.shards[2], &l.shards[1]
	c, err := s.readCatalog(t.Context(), l, third, "t")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.redefine(t.Context(), l, third, "t", c, c.named("age"), nil); err != nil {
		t.Fatal(err)
	}
	if c, err = s.readCatalog(t.Context(), l, second, "t"); err != nil {
		t.Fatal(err)
	}
	stray := &index{Index: c.named("age").Index}
	stray.Def.Name = "stray"
	if _, err := s.redefine(t.Context(), l, second, "t", c, nil, stray); err != nil {
		t.Fatal(err)
	}

	q := store.Query{Filter: is("/age", value.OpEq, "7")}
	if defs := s.defs(); len(defs) != 1 || defs[0].Ready || defs[0].Entries >= 100 {
		t.Errorf("before: got %+v", defs)
	}
	if found := s.search(q); len(found.Entries) != 100 || found.Plan.Mode != store.ByScan {
		t.Errorf("before: got %d entries by %+v", len(found.Entries), found.Plan)
	}
	if err := s.repairIndexes(t.Context()); err != nil {
		t.Fatal(err)
	}
	poll(t, "the index", func() bool { return s.defs()[0].Ready })
	if found := s.search(q); len(found.Entries) != 100 || found.Plan.Index != "age" {
		t.Errorf("after: got %d entries by %+v", len(found.Entries), found.Plan)
	}
	if c, err = s.readCatalog(t.Context(), l, second, "t"); err != nil || c.named("stray") != nil {
		t.Errorf("after: %v, and there is %+v", err, c.named("stray"))
	}
	if err := s.DropIndex(t.Context(), "t", "age"); err != nil {
		t.Error(err)
	}
	for i := range l.shards {
		if c, err := s.readCatalog(t.Context(), l, &l.shards[i], "t"); err != nil || len(c.indexes) > 0 {
			t.Errorf("shard %d: %v, and there is %+v", i, err, c.indexes)
		}
	}
	sound(t, s.Store)
}
