package redisstore

import (
	"encoding/json"
	"slices"
	"strings"

	"larder/internal/backend/sortedindex"
)

// index is a secondary index of a table in one shard, as it is in one generation of
// the table's indexes. It does not change.
type index struct {
	sortedindex.Index
	id    uint64 // of no other index of the table, ever
	set   string // the name of its sorted set
	ready bool   // all of the table is in it
	long  bool   // it has held a field that was cut, or is about to
	after string // the last key that its building has looked at

	stands string // its stored form, where it has been read
}

// indexRecord is the stored form of an index.
type indexRecord struct {
	ID         uint64          `json:"id"`
	Ready      bool            `json:"ready,omitempty"`
	Long       bool            `json:"long,omitempty"`
	After      string          `json:"after,omitempty"`
	Definition json.RawMessage `json:"definition"`
}

func (x *index) encode() (string, error) {
	definition, err := x.Encode()
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(indexRecord{ID: x.id, Ready: x.ready, Long: x.long, After: x.after, Definition: definition})
	return string(b), err
}

// readIndexes reads what a table's hash of indexes holds: names, and behind each what
// the index is.
func readIndexes(d *shard, table string, hash []string) ([]*index, error) {
	indexes := make([]*index, 0, len(hash)/2)
	for i := 1; i < len(hash); i += 2 {
		var r indexRecord
		if err := json.Unmarshal([]byte(hash[i]), &r); err != nil {
			return nil, damagedf("an index of the table %s: %w", table, err)
		}
		x := &index{id: r.ID, set: d.indexSet(table, r.ID), ready: r.Ready, long: r.Long, after: r.After, stands: hash[i]}
		var err error
		if x.Index, err = sortedindex.Decode(r.Definition); err != nil {
			return nil, damagedf("an index of the table %s: %w", table, err)
		}
		indexes = append(indexes, x)
	}
	slices.SortFunc(indexes, func(a, b *index) int { return strings.Compare(a.Def.Name, b.Def.Name) })
	return indexes, nil
}

// candidates are the indexes for a query to choose from.
func (c *catalog) candidates() []sortedindex.Candidate {
	candidates := make([]sortedindex.Candidate, len(c.indexes))
	for i, x := range c.indexes {
		candidates[i] = sortedindex.Candidate{Index: &x.Index, Ready: x.ready, Long: x.long}
	}
	return candidates
}

// chosen is the index that an access goes by; nil for the table.
func (c *catalog) chosen(a *sortedindex.Access) *index {
	for _, x := range c.indexes {
		if a.Index == &x.Index {
			return x
		}
	}
	return nil
}

func (c *catalog) named(name string) *index {
	for _, x := range c.indexes {
		if x.Def.Name == name {
			return x
		}
	}
	return nil
}

func (c *catalog) withID(id uint64) *index {
	for _, x := range c.indexes {
		if x.id == id {
			return x
		}
	}
	return nil
}
