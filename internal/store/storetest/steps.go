package storetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"larder/internal/store"
)

// step is one thing done on two stores. What they answer differently is its
// error.
type step interface {
	play(p *player) error
	String() string
}

// randomOp is an operation whose version is only known once it is its turn.
type randomOp struct {
	store.Op
	ifVersion bool
	off       int // from the version there is
}

// apply is a batch.
type apply struct {
	ops    []randomOp
	dryRun bool
}

func (s apply) play(p *player) error {
	batch := store.Batch{DryRun: s.dryRun}
	for _, op := range s.ops {
		op.Ref = p.name(op.Ref)
		if op.ifVersion {
			op.If.Versions = []int64{max(p.version(op.Ref)+int64(op.off), 1)}
		}
		batch.Ops = append(batch.Ops, op.Op)
	}
	first, errA := p.stores[0].Apply(p.ctx, batch)
	second, errB := p.stores[1].Apply(p.ctx, batch)
	if errA != nil || errB != nil {
		return sameFailure(errA, errB)
	}
	for i := range batch.Ops {
		a, b := first[i], second[i]
		if a.Changed != b.Changed || a.Created != b.Created {
			return fmt.Errorf("operation %d: changed %v, created %v; and on the other %v, %v", i, a.Changed, a.Created, b.Changed, b.Created)
		}
		if !p.lacks(BatchDetails) {
			if err := p.same(a.Entry, b.Entry); err != nil {
				return fmt.Errorf("operation %d: %w", i, err)
			}
		} else if a.Entry.Exists() != b.Entry.Exists() || a.Changed && a.Entry.Version != b.Entry.Version {
			return fmt.Errorf("operation %d: %s; and on the other %s", i, show(a.Entry), show(b.Entry))
		}
	}
	return nil
}

func (s apply) String() string {
	var b strings.Builder
	b.WriteString("apply")
	if s.dryRun {
		b.WriteString(" nothing, it is a dry run")
	}
	for _, op := range s.ops {
		fmt.Fprintf(&b, "\n       %s %v", op.Kind, op.Ref)
		switch op.Kind {
		case store.Put:
			fmt.Fprintf(&b, " = %q %v", op.Value.Data, op.Value.Encoding)
		case store.Patch:
			fmt.Fprintf(&b, " by %s", op.Patch)
		case store.Increment:
			fmt.Fprintf(&b, " by %s at %q, initial %q, min %q, max %q", op.Increment.Delta, op.Increment.Path, op.Increment.Initial, op.Increment.Min, op.Increment.Max)
		}
		if !op.If.IsZero() {
			fmt.Fprintf(&b, " if %+v", op.If)
		}
		if op.ifVersion {
			fmt.Fprintf(&b, " if the version is off by %d", op.off)
		}
		if len(op.Metadata) > 0 || !op.Expiry.IsUnset() || op.DefaultTTL != 0 {
			fmt.Fprintf(&b, " with metadata %v, expiry %+v, default ttl %s", op.Metadata, op.Expiry, op.DefaultTTL)
		}
	}
	return b.String()
}

// read reads entries.
type read []store.Ref

func (s read) play(p *player) error {
	refs := make([]store.Ref, len(s))
	for i, ref := range s {
		refs[i] = p.name(ref)
	}
	a, errA := p.stores[0].Get(p.ctx, refs)
	b, errB := p.stores[1].Get(p.ctx, refs)
	if errA != nil || errB != nil {
		return sameFailure(errA, errB)
	}
	return p.sameAll(a.Entries, b.Entries)
}

func (s read) String() string { return fmt.Sprintf("get %v", []store.Ref(s)) }

// scan follows a scan to its end.
type scan store.Scan

func (s scan) play(p *player) error {
	a, errA := scanAll(p, 0, store.Scan(s))
	b, errB := scanAll(p, 1, store.Scan(s))
	if errA != nil || errB != nil {
		return sameFailure(errA, errB)
	}
	if s.Order == store.ByExpiry {
		for i := range b.Entries[min(1, len(b.Entries)):] {
			if b.Entries[i+1].ExpiresAt.Before(b.Entries[i].ExpiresAt) {
				return fmt.Errorf("%s is before %s", show(b.Entries[i]), show(b.Entries[i+1]))
			}
		}
	}
	if s.Order != store.ByKey {
		// The changes of one batch have no order among them, nor have ends
		// that come of two clocks.
		slices.SortFunc(a.Entries, byKey)
		slices.SortFunc(b.Entries, byKey)
	}
	if !slices.Equal(a.Prefixes, b.Prefixes) {
		return fmt.Errorf("the groups are %q; and on the other %q", a.Prefixes, b.Prefixes)
	}
	if s.KeysOnly {
		return sameKeys(a.Entries, b.Entries)
	}
	return p.sameAll(a.Entries, b.Entries)
}

func (s scan) String() string { return fmt.Sprintf("scan %+v", store.Scan(s)) }

func scanAll(p *player, which int, s store.Scan) (store.Page, error) {
	var all store.Page
	for {
		page, err := p.stores[which].Scan(p.ctx, s)
		if err != nil {
			return all, err
		}
		all.Entries, all.Prefixes = append(all.Entries, page.Entries...), append(all.Prefixes, page.Prefixes...)
		if page.Next == "" {
			return all, nil
		}
		s.After = page.Next
	}
}

// query follows a query to its end, and counts.
type query store.Query

func (s query) play(p *player) error {
	a, errA := searchAll(p, 0, store.Query(s))
	b, errB := searchAll(p, 1, store.Query(s))
	if errA != nil || errB != nil {
		return sameFailure(errA, errB)
	}
	if s.Select != nil { // so that they are other entries than those stored
		if err := sameSelection(a, b); err != nil {
			return err
		}
	} else if err := p.sameAll(a, b); err != nil {
		return err
	}
	return p.both(func(s0 store.Store) (any, error) {
		searcher, _ := store.As[store.Searcher](s0)
		counted, err := searcher.Count(p.ctx, store.Query(s))
		return counted.Count, err
	})
}

func (s query) String() string { return fmt.Sprintf("query %+v", store.Query(s)) }

func searchAll(p *player, which int, q store.Query) ([]store.Entry, error) {
	searcher, _ := store.As[store.Searcher](p.stores[which])
	var all []store.Entry
	for {
		found, err := searcher.Search(p.ctx, q)
		if err != nil {
			return all, err
		}
		all = append(all, found.Entries...)
		if found.Next == nil {
			return all, nil
		}
		q.After, q.Offset = found.Next, 0
	}
}

// mark remembers how far a feed has come.
type mark store.Changes

func (s mark) play(p *player) error {
	m := marked{Changes: store.Changes(s)}
	for i := range p.stores {
		_, next, err := p.drain(i, m.Changes)
		if err != nil {
			return err
		}
		m.cursors[i] = next
	}
	p.marks = append(p.marks, m)
	return nil
}

func (s mark) String() string { return fmt.Sprintf("mark the feed of %q in %s", s.Prefix, s.Table) }

// follow reads a feed from the beginning, or one that was marked from there.
type follow struct {
	store.Changes
	mark int // -1: none
}

func (s follow) play(p *player) error {
	var changes [2]map[store.Ref]store.Entry
	for i := range p.stores {
		c := s.Changes
		if s.mark >= 0 && s.mark < len(p.marks) {
			m := p.marks[s.mark]
			c.Table, c.Prefix, c.Since = m.Table, m.Prefix, m.cursors[i]
		}
		var err error
		if changes[i], _, err = p.drain(i, c); err != nil {
			return err
		}
	}
	// Either may show again what it has shown, but the second must not leave
	// out what the first has.
	for ref, e := range changes[0] {
		other, found := changes[1][ref]
		if !found {
			return fmt.Errorf("the feed shows %s; and on the other nothing of it", show(e))
		}
		if !sameContent(e, other) {
			return fmt.Errorf("the feed shows %s; and on the other %s", show(e), show(other))
		}
	}
	return nil
}

func (s follow) String() string { return fmt.Sprintf("follow %+v, mark %d", s.Changes, s.mark) }

// installed is an entry to install, at a version off from the one there is.
type installed struct {
	store.Entry
	off     int
	deleted bool
}

// install installs entries.
type install []installed

func (s install) play(p *player) error {
	var entries []store.Entry
	for _, i := range s {
		i.Ref = p.name(i.Ref)
		i.Version = max(p.version(i.Ref)+int64(i.off), 1)
		if i.deleted {
			i.Entry = store.Entry{Ref: i.Ref, Version: i.Version, Deleted: true, UpdatedAt: i.UpdatedAt}
		}
		entries = append(entries, i.Entry)
	}
	return p.both(func(s store.Store) (any, error) { return nil, s.Install(p.ctx, entries) })
}

func (s install) String() string {
	var b strings.Builder
	b.WriteString("install")
	for _, i := range s {
		fmt.Fprintf(&b, "\n       %v = %q %v, version off by %d, deleted %v", i.Ref, i.Value.Data, i.Value.Encoding, i.off, i.deleted)
	}
	return b.String()
}

// putIndex makes an index.
type putIndex struct {
	table string
	store.Index
}

func (s putIndex) play(p *player) error {
	err := p.both(func(s0 store.Store) (any, error) {
		indexer, _ := store.As[store.Indexer](s0)
		return indexer.PutIndex(p.ctx, s.table, s.Index)
	})
	if err != nil {
		return err
	}
	return p.sameIndexes(s.table)
}

func (s putIndex) String() string { return fmt.Sprintf("index %s by %+v", s.table, s.Index) }

// dropIndex drops an index.
type dropIndex struct{ table, name string }

func (s dropIndex) play(p *player) error {
	err := p.both(func(s0 store.Store) (any, error) {
		indexer, _ := store.As[store.Indexer](s0)
		return nil, indexer.DropIndex(p.ctx, s.table, s.name)
	})
	if err != nil {
		return err
	}
	return p.sameIndexes(s.table)
}

func (s dropIndex) String() string { return fmt.Sprintf("drop the index %s of %s", s.name, s.table) }

// countTables lists the tables.
type countTables struct{}

func (countTables) play(p *player) error {
	var counts [2]map[string]int64
	for i, s := range p.stores {
		infos, err := s.Tables(p.ctx)
		if err != nil {
			return err
		}
		counts[i] = make(map[string]int64)
		for _, info := range infos {
			counts[i][info.Name] = info.Entries
			switch {
			case info.Estimated:
				counts[i][info.Name] = -1
			case info.Entries == 0 && p.lacks(EmptyTables):
				delete(counts[i], info.Name)
			}
		}
	}
	if !maps.EqualFunc(counts[0], counts[1], func(a, b int64) bool { return a == b || a < 0 || b < 0 }) {
		return fmt.Errorf("the tables are %v; and on the other %v", counts[0], counts[1])
	}
	return nil
}

func (countTables) String() string { return "count tables" }

// advance moves the clocks. A key whose entry ends by that is not used again,
// since a store may have cleaned up after it, or not yet.
type advance struct{ by time.Duration }

func (s advance) play(p *player) error {
	before, err := p.existing()
	if err != nil {
		return err
	}
	for i, h := range p.pair {
		h.Advance(p.stores[i], s.by)
	}
	after, err := p.existing()
	if err != nil {
		return err
	}
	for ref := range before {
		if !after[ref] {
			p.retire(ref)
		}
	}
	return nil
}

func (s advance) String() string { return fmt.Sprintf("advance the clocks by %s", s.by) }

// reopen closes the second store and opens it again.
type reopen struct{}

func (reopen) play(p *player) error {
	p.stores[1] = p.pair[1].Reopen(p.t, p.stores[1])
	return nil
}

func (reopen) String() string { return "reopen" }
