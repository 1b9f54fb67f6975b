package redisstore

import (
	"context"
	"fmt"
	"testing"

	"larder/internal/backend/sortedindex"
	"larder/internal/store"
)

// TestAnIndexDroppedAmidItsBuilding drops one between two pieces of work, and between
// the two halves of one.
func TestAnIndexDroppedAmidItsBuilding(t *testing.T) {
	s := open(t, inSmallPieces)
	s.people(10)
	other := s.beside().settled()
	l := s.link.Load()
	for _, amid := range []bool{false, true} {
		f := filling{s: s.Store, link: l, shard: l.home(), table: "t", id: s.begin(ages()).id}
		err := f.change(t.Context(), func(ctx context.Context, c *catalog, x *index) error {
			if _, err := f.some(ctx, c, x); err != nil {
				return err
			}
			if c, err := s.readCatalog(ctx, l, l.home(), "t"); err != nil || c.withID(x.id).after == "" {
				t.Errorf("the index is %+v, %v, and does not say how far it has come", c.withID(x.id), err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		drop := func() {
			if err := other.DropIndex(t.Context(), "t", "age"); err != nil {
				t.Fatal(err)
			}
		}
		if !amid {
			drop()
		}
		err = f.change(t.Context(), func(ctx context.Context, c *catalog, x *index) error {
			found, err := f.read(ctx, c, x)
			if err != nil {
				return err
			}
			drop()
			_, err = f.add(ctx, c, x, found)
			return err
		})
		fails(t, "building", err, store.NotFound)
		sound(t, s.Store)
	}
}

// TestAnIndexAndWhatAServerForgets has a server that takes over not know of some of
// what was added, nor of how far that was.
func TestAnIndexAndWhatAServerForgets(t *testing.T) {
	s := open(t, inSmallPieces)
	s.people(10)
	l := s.link.Load()
	f := filling{s: s.Store, link: l, shard: l.home(), table: "t", id: s.begin(ages()).id}
	for range 3 {
		err := f.change(t.Context(), func(ctx context.Context, c *catalog, x *index) error {
			_, err := f.some(ctx, c, x)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	err := f.change(t.Context(), func(ctx context.Context, c *catalog, x *index) error {
		if x.after != "k00008" {
			return nil // it is done after it was set back
		}
		found, err := f.read(ctx, c, x)
		if err != nil {
			return err
		}
		back := *x
		back.after, back.stands = "k00005", ""
		record, err := back.encode()
		if err != nil {
			return err
		}
		set := l.client.B().Hset().Key(l.home().indexes("t")).FieldValue().FieldValue(x.Def.Name, record).Build()
		remove := l.client.B().Zremrangebyrank().Key(x.set).Start(0).Stop(-1).Build()
		for _, answer := range l.client.DoMulti(ctx, set, remove) {
			if answer.Error() != nil {
				return answer.Error()
			}
		}
		for i := range 6 { // which it does know
			add := l.client.B().Zadd().Key(x.set).ScoreMember().ScoreMember(0, s.memberOf(x, i)).Build()
			if err := l.client.Do(ctx, add).Error(); err != nil {
				return err
			}
		}
		_, err = f.add(ctx, c, x, found)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.readCatalog(t.Context(), l, l.home(), "t")
	if err != nil {
		t.Fatal(err)
	}
	ready := *c.withID(f.id)
	ready.ready = true
	_, err = s.redefineFrom(t.Context(), l, l.home(), "t", c, c.withID(f.id), &ready, ready.stands+" ")
	if err != errMoved { //nolint:errorlint // it is given as it is
		t.Errorf("saying that it is ready where it has not come so far: %v", err)
	}
	if err := f.all(t.Context()); err != nil {
		t.Fatal(err)
	}
	if defs := s.defs(); !defs[0].Ready || defs[0].Entries != 10 {
		t.Errorf("got %+v", defs)
	}
	sound(t, s.Store)
}

// memberOf is that of one of the people in an index.
func (f *fixture) memberOf(x *index, i int) string {
	e := f.get(fmt.Sprintf("k%05d", i))
	return string(sortedindex.Join(x.Place(e.Value).Fields, e.Key))
}

// TestAnIndexAndWhatChangesAmidItsBuilding has entries change between being read and
// being added.
func TestAnIndexAndWhatChangesAmidItsBuilding(t *testing.T) {
	s := open(t)
	s.people(10)
	other := s.beside().settled()
	l := s.link.Load()
	f := filling{s: s.Store, link: l, shard: l.home(), table: "t", id: s.begin(ages()).id}
	err := f.change(t.Context(), func(ctx context.Context, c *catalog, x *index) error {
		found, err := f.read(ctx, c, x)
		if err != nil {
			return err
		}
		other.apply(put("k00001", `{"age":1000}`), put("k00002", `{}`), remove("k00003"), put("k00004", `{"age":28,"moved":false}`))
		_, err = f.add(ctx, c, x, found)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.all(t.Context()); err != nil {
		t.Fatal(err)
	}
	if defs := s.defs(); !defs[0].Ready || defs[0].Entries != 8 {
		t.Errorf("got %+v", defs)
	}
	sound(t, s.Store)
}
