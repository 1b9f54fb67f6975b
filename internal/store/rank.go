package store

import (
	"cmp"
	"slices"

	"larder/internal/value"
)

// ranked is an entry with what it sorts by, taken out once.
type ranked struct {
	entry Entry
	by    [][]byte // canonical text, nil where missing
}

func (c *Compiled) rank(e Entry) ranked {
	r := ranked{entry: e}
	if len(c.sort) > 0 {
		r.by = make([][]byte, len(c.sort))
		for i, path := range c.sort {
			r.by[i], _ = fields{&e}.Field(path)
		}
	}
	return r
}

// compare is the query's order, total since no two entries share a key.
func (c *Compiled) compare(a, b ranked) int {
	return c.compareTo(a, b.by, b.entry.Key)
}

func (c *Compiled) compareTo(a ranked, by [][]byte, key string) int {
	for i := range c.sort {
		order := value.Compare(a.by[i], by[i])
		if c.Sort[i].Descending {
			order = -order
		}
		if order != 0 {
			return order
		}
	}
	return cmp.Compare(a.entry.Key, key)
}

// beyond says whether the entry comes after the position the query goes on
// from.
func (c *Compiled) beyond(r ranked) bool {
	if c.After == nil {
		return true
	}
	by := make([][]byte, len(c.After.Sort))
	for i, v := range c.After.Sort {
		by[i] = v.Data
	}
	return c.compareTo(r, by, c.After.Key) > 0
}

func (r ranked) position() *Position {
	p := &Position{Key: r.entry.Key}
	for _, raw := range r.by {
		p.Sort = append(p.Sort, value.Value{Data: slices.Clone(raw)})
	}
	return p
}
