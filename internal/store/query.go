package store

import (
	"larder/internal/value"
)

// Query asks for a table's entries by what they hold.
type Query struct {
	Table  string
	Filter value.Filter    // zero: everything
	Sort   []Sort          // at most MaxSorts; ties, and no sort at all, go by key
	Select []value.Pointer // parts of the value to give, nil: all of it

	Limit  int // 0 means Limits.MaxPage
	Offset int // entries to pass over first, at most MaxOffset; a Position is cheaper
	After  *Position
	Budget int // entries to look at without an index; 0 means Limits.ScanBudget
}

// Bounds of a query.
const (
	MaxSorts  = 8
	MaxSelect = 100
	MaxOffset = 100_000
)

// Sort is one order of a query: missing, null, false, true, numbers, strings,
// arrays, objects, as value.Compare has it, or the reverse.
type Sort struct {
	Path       string // a JSON pointer into the value, or $key, $version, …
	Descending bool
}

// Position is where a page of a query ended: what the last entry sorts by, and
// its key. Whoever has it can go on after it, whatever was written meanwhile.
type Position struct {
	Sort []value.Value // in the order of Query.Sort; a zero Value for a missing field
	Key  string
}

// Found is a page of a query's answer.
type Found struct {
	Entries []Entry
	Next    *Position // nil: this is the last page
	Plan    Plan
	Source  Source
}

// Counted is a count and how it came about.
type Counted struct {
	Count  int64
	Plan   Plan
	Source Source
}

// Plan says how a query was answered.
type Plan struct {
	Backend string
	Mode    Mode
	Index   string // where Mode is ByIndex
	Scanned int64  // entries looked at, where the store can tell
}

// Mode is a way to answer a query.
type Mode string

// The modes.
const (
	ByIndex    Mode = "index"
	ByPushdown Mode = "pushdown" // the engine did it, by its own plan
	ByScan     Mode = "scan"
)

// Compiled is a query made ready to be held against entries.
type Compiled struct {
	Query
	matcher value.Matcher
	sort    []value.FieldPath
}

// Compile checks a query and makes it ready. Errors are InvalidTable and
// InvalidQuery, with the field and the pointer of what is wrong.
func (q Query) Compile(lim Limits) (*Compiled, error) {
	if err := ValidateTable(q.Table); err != nil {
		return nil, err
	}
	if err := q.validateBounds(lim); err != nil {
		return nil, err
	}
	c := &Compiled{Query: q}
	var err error
	if c.matcher, err = value.Compile(q.Filter); err != nil {
		return nil, queryError("filter", err)
	}
	for i, s := range q.Sort {
		path, err := value.ParseFieldPath(s.Path)
		if err != nil {
			return nil, sortError(i, err)
		}
		c.sort = append(c.sort, path)
	}
	c.Limit = pageLimit(q.Limit, lim)
	if c.Budget == 0 {
		c.Budget = lim.WithDefaults().ScanBudget
	}
	return c, nil
}

func (q Query) validateBounds(lim Limits) error {
	if err := validateLimit(q.Limit, lim); err != nil {
		e := AsError(err)
		e.Code = InvalidQuery
		return e
	}
	switch {
	case q.Offset < 0 || q.Offset > MaxOffset:
		return invalid(InvalidQuery, "offset", "offset lies between 0 and %d; a cursor goes further", MaxOffset)
	case q.Offset > 0 && q.After != nil:
		return invalid(InvalidQuery, "offset", "an offset goes with the first page only")
	case len(q.Sort) > MaxSorts:
		return invalid(InvalidQuery, "sort", "a query sorts by at most %d fields", MaxSorts)
	case len(q.Select) > MaxSelect:
		return invalid(InvalidQuery, "select", "a query selects at most %d paths", MaxSelect)
	case q.After != nil && len(q.After.Sort) != len(q.Sort):
		return invalid(InvalidCursor, "cursor", "the cursor is of a query with another sort")
	}
	return nil
}

// Match says whether the filter holds for an entry.
func (c *Compiled) Match(e Entry) bool { return c.matcher.Match(fields{&e}) }

// Project leaves of the entry's value what the query selects.
func (c *Compiled) Project(e Entry) Entry {
	if len(c.Select) > 0 && e.Value.Encoding == value.JSON {
		e.Value = value.Value{Data: value.Project(e.Value.Data, c.Select)}
	}
	return e
}
