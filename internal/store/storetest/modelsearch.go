package storetest

import (
	"context"
	"maps"
	"slices"
	"time"

	"larder/internal/store"
	"larder/internal/value"
)

// Search implements [store.Searcher].
func (m *Model) Search(ctx context.Context, q store.Query) (store.Found, error) {
	if _, err := q.Compile(m.options.Limits); err != nil {
		return store.Found{}, m.fail(err)
	}
	if err := m.enter(ctx); err != nil {
		return store.Found{}, err
	}
	defer m.mu.Unlock()
	entries := m.existing(q.Table, m.now())
	if err := m.checkBudget(q, entries); err != nil {
		return store.Found{}, m.fail(err)
	}
	found, err := store.Evaluate(q, entries, m.options.Limits)
	if err != nil {
		return store.Found{}, m.fail(err)
	}
	found.Plan = m.plan(entries)
	return found, nil
}

// Count implements [store.Searcher].
func (m *Model) Count(ctx context.Context, q store.Query) (store.Counted, error) {
	q = store.Query{Table: q.Table, Filter: q.Filter, Budget: q.Budget}
	compiled, err := q.Compile(m.options.Limits)
	if err != nil {
		return store.Counted{}, m.fail(err)
	}
	if err := m.enter(ctx); err != nil {
		return store.Counted{}, err
	}
	defer m.mu.Unlock()
	entries := m.existing(q.Table, m.now())
	if err := m.checkBudget(q, entries); err != nil {
		return store.Counted{}, m.fail(err)
	}
	counted := store.Counted{Plan: m.plan(entries)}
	for _, e := range entries {
		if compiled.Match(e) {
			counted.Count++
		}
	}
	return counted, nil
}

func (m *Model) plan(entries []store.Entry) store.Plan {
	return store.Plan{Backend: m.options.Name, Mode: store.ByScan, Scanned: int64(len(entries))}
}

func (m *Model) checkBudget(q store.Query, entries []store.Entry) error {
	budget := q.Budget
	if budget == 0 {
		budget = m.options.Limits.ScanBudget
	}
	if len(entries) > budget {
		return &store.Error{Code: store.QueryTooExpensive, Field: "filter", Detail: "the table has more entries than the query may look at"}
	}
	return nil
}

// Indexes implements [store.Indexer].
func (m *Model) Indexes(ctx context.Context, table string) ([]store.Index, error) {
	if err := store.ValidateTable(table); err != nil {
		return nil, m.fail(err)
	}
	if err := m.enter(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	t, entries := m.table(table), m.existing(table, m.now())
	var list []store.Index
	for _, name := range slices.Sorted(maps.Keys(t.indexes)) {
		x := t.indexes[name]
		for _, e := range entries {
			if raw, found := x.Fields[0].Path.Lookup(e.Value.Data); indexable(e) && found && x.Fields[0].Type.Holds(raw) {
				x.Entries++
			}
		}
		list = append(list, x)
	}
	return list, nil
}

// PutIndex implements [store.Indexer].
func (m *Model) PutIndex(ctx context.Context, table string, def store.Index) (bool, error) {
	if err := def.Validate(table); err != nil {
		return false, m.fail(err)
	}
	if err := m.enter(ctx); err != nil {
		return false, err
	}
	defer m.mu.Unlock()
	t := m.table(table)
	old, known := t.indexes[def.Name]
	switch {
	case known && old.SameDefinition(def):
		return false, nil
	case !known && len(t.indexes) >= store.MaxIndexes:
		return false, m.fail(&store.Error{Code: store.InvalidIndex, Field: "index", Detail: "the table has as many indexes as it can have"})
	}
	taken := make(map[string]bool)
	for _, e := range m.existing(table, m.now()) {
		tuple, unique := uniqueTuple(def, e)
		if unique && taken[tuple] {
			delete(t.indexes, def.Name)
			return false, m.fail(violation(def, e.Ref))
		}
		taken[tuple] = unique
	}
	def.Ready, def.Entries = true, 0
	t.indexes[def.Name] = def
	return true, nil
}

// DropIndex implements [store.Indexer].
func (m *Model) DropIndex(ctx context.Context, table, name string) error {
	if err := store.ValidateTable(table); err != nil {
		return m.fail(err)
	}
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	t := m.table(table)
	if _, known := t.indexes[name]; !known {
		return m.fail(&store.Error{Code: store.NotFound, Field: "index", Detail: "the table has no index of this name"})
	}
	delete(t.indexes, name)
	return nil
}

// checkUnique holds the state after the batch against the unique indexes.
func (m *Model) checkUnique(b store.Batch, results []store.Result, now time.Time) error {
	for i, r := range results {
		if !r.Changed {
			continue
		}
		for _, x := range m.table(r.Entry.Table).indexes {
			tuple, unique := uniqueTuple(x, r.Entry)
			if !unique {
				continue
			}
			for _, e := range m.after(r.Entry.Table, results, now) {
				other, unique := uniqueTuple(x, e)
				if unique && other == tuple && e.Key != r.Entry.Key {
					return b.Fail(i, violation(x, r.Entry.Ref))
				}
			}
		}
	}
	return nil
}

// after lists a table's entries as they will be.
func (m *Model) after(table string, results []store.Result, now time.Time) []store.Entry {
	entries := make(map[string]store.Entry)
	for _, e := range m.existing(table, now) {
		entries[e.Key] = e
	}
	for _, r := range results {
		if r.Entry.Table == table {
			entries[r.Entry.Key] = r.Entry
		}
	}
	return slices.Collect(maps.Values(entries))
}

// uniqueTuple is what no two entries may have in common: all of the index's
// fields, where all hold a value of their declared types.
func uniqueTuple(x store.Index, e store.Entry) (tuple string, unique bool) {
	if !x.Unique || !indexable(e) {
		return "", false
	}
	for _, f := range x.Fields {
		raw, found := f.Path.Lookup(e.Value.Data)
		if !found || !f.Type.Holds(raw) {
			return "", false
		}
		tuple += string(raw) + "\x00" // canonical text has no NUL
	}
	return tuple, true
}

// indexable says whether there is JSON to find a field in.
func indexable(e store.Entry) bool { return e.Exists() && e.Value.Encoding == value.JSON }

func violation(x store.Index, ref store.Ref) *store.Error {
	return &store.Error{Code: store.UniqueViolation, Ref: ref, Field: "value", Detail: "another entry has the same values in the unique index " + x.Name}
}
