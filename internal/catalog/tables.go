package catalog

import (
	"cmp"
	"context"
	"slices"

	"larder/internal/store"
)

// Facts is what there is to say about a table.
type Facts struct {
	store.TableInfo
	Settings
}

// List gives the tables that hold entries or have settings, by name; system
// tables are left out. Of a store that is divided, missing names the parts that
// can't be reached, whose tables are told only where they have settings.
func (c *Catalog) List(ctx context.Context) (all []Facts, missing []string, err error) {
	var held []store.TableInfo
	if d, divided := c.store.(Divided); divided {
		held, missing, err = d.TablesReached(ctx)
	} else {
		held, err = c.store.Tables(ctx)
	}
	if err != nil {
		return nil, nil, err
	}
	return c.factsOf(held), missing, nil
}

// factsOf are the facts of tables that a store has, and of those that only have settings.
func (c *Catalog) factsOf(held []store.TableInfo) []Facts {
	known := *c.settings.Load()
	var all []Facts
	for _, info := range held {
		own := known[info.Name]
		if store.IsSystem(info.Name) || info.Entries == 0 && !own.exists {
			continue
		}
		all = append(all, Facts{TableInfo: info, Settings: own.Settings})
	}
	for name, own := range known {
		if own.exists && !slices.ContainsFunc(held, func(i store.TableInfo) bool { return i.Name == name }) {
			all = append(all, Facts{TableInfo: store.TableInfo{Name: name}, Settings: own.Settings})
		}
	}
	slices.SortFunc(all, func(a, b Facts) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Divided is a store whose tables are in several others, of which it can ask the one that a
// table is in, or all that can be reached.
type Divided interface {
	TablesReached(ctx context.Context) (all []store.TableInfo, missing []string, err error)
	TablesBeside(ctx context.Context, table string) ([]store.TableInfo, error)
}

// Get gives one table; NotFound where it holds nothing and has no settings.
func (c *Catalog) Get(ctx context.Context, table string) (Facts, error) {
	if err := store.ValidateTable(table); err != nil {
		return Facts{}, err
	}
	held := c.store.Tables
	if d, divided := c.store.(Divided); divided {
		held = func(ctx context.Context) ([]store.TableInfo, error) { return d.TablesBeside(ctx, table) }
	}
	tables, err := held(ctx)
	if err != nil {
		return Facts{}, err
	}
	all := c.factsOf(tables)
	if i := slices.IndexFunc(all, func(f Facts) bool { return f.Name == table }); i >= 0 {
		return all[i], nil
	}
	return Facts{}, &store.Error{Code: store.NotFound, Ref: store.Ref{Table: table}, Detail: "the table holds no entries and has no settings"}
}

// Put replaces a table's settings and says whether it had none before. They
// count for what is written from now on.
func (c *Catalog) Put(ctx context.Context, table string, s Settings) (made bool, err error) {
	if err := store.ValidateTable(table); err != nil {
		return false, err
	}
	if err := s.Validate(); err != nil {
		return false, err
	}
	v, err := s.value()
	if err != nil {
		return false, err
	}
	made = !(*c.settings.Load())[table].exists
	op := store.Op{Kind: store.Put, Ref: store.Ref{Table: Table, Key: table}, Value: v}
	return made, c.apply(ctx, op)
}

// Drop deletes a table's entries, its indexes and its settings, in that order;
// where it fails it may be called again. Versions of keys go on after it, as
// after any deletion. NotFound where there is nothing to drop.
func (c *Catalog) Drop(ctx context.Context, table string) error {
	if _, err := c.Get(ctx, table); err != nil {
		return err
	}
	if _, err := store.DeleteRange(ctx, c.store, store.Removal{Table: table}); err != nil {
		return err
	}
	if indexer, ok := store.As[store.Indexer](c.store); ok {
		if err := dropIndexes(ctx, indexer, table); err != nil {
			return err
		}
	}
	return c.apply(ctx, store.Op{Kind: store.Delete, Ref: store.Ref{Table: Table, Key: table}})
}

func dropIndexes(ctx context.Context, indexer store.Indexer, table string) error {
	indexes, err := indexer.Indexes(ctx, table)
	if err != nil {
		return err
	}
	for _, index := range indexes {
		if err := indexer.DropIndex(ctx, table, index.Name); err != nil && store.CodeOf(err) != store.NotFound {
			return err
		}
	}
	return nil
}

// apply writes one entry of the settings and makes it count here at once.
func (c *Catalog) apply(ctx context.Context, op store.Op) error {
	results, err := c.store.Apply(ctx, store.Batch{Ops: []store.Op{op}})
	if err != nil {
		return err
	}
	c.take([]store.Change{{Entry: results[0].Entry}})
	return nil
}
