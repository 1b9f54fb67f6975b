package store

import (
	"time"
)

// Scan asks for a page of a table's entries.
type Scan struct {
	Table  string
	Prefix string // of the key, literally
	Start  string // the first key, itself included; "": from the beginning
	End    string // the first key no longer included; "": to the end

	// Order is by key unless said otherwise. ByChange gives what was written
	// at or after ModifiedSince, in the order of change, which between slots
	// is that of time and leaves open what came first at the same time;
	// ByExpiry what expires before ExpiringBefore, the soonest first. A bound
	// may be zero.
	Order          Order
	ModifiedSince  time.Time
	ExpiringBefore time.Time

	Reverse   bool   // by key only
	Delimiter string // by key only: what goes on past it after the prefix is rolled up into Page.Prefixes
	KeysOnly  bool   // entries come without values

	After string // Page.Next of the page before
	Limit int    // entries and prefixes together; 0 means Limits.MaxPage
}

// Order is the order of a scan.
type Order uint8

// The orders.
const (
	ByKey Order = iota
	ByChange
	ByExpiry
)

// Page is what a scan found.
type Page struct {
	Entries  []Entry  // in the scan's order
	Prefixes []string // in the order of keys, each ends with the delimiter
	Next     string   // goes on after this page; "": this is the last. Only its own store reads it.
	Source   Source
}

// Validate checks names, bounds and what can't go together. Errors are
// InvalidTable and InvalidScan with the field's name.
func (s Scan) Validate(lim Limits) error {
	if err := ValidateTable(s.Table); err != nil {
		return err
	}
	for _, bound := range []struct{ field, text string }{{"prefix", s.Prefix}, {"start", s.Start}, {"end", s.End}, {"delimiter", s.Delimiter}} {
		if err := validateBound(InvalidScan, bound.field, bound.text); err != nil {
			return err
		}
	}
	switch {
	case s.Order > ByExpiry:
		return invalid(InvalidScan, "order", "an order is by key, change or expiry")
	case s.Order != ByKey && s.Reverse:
		return invalid(InvalidScan, "reverse", "reverse is for the order of keys only")
	case s.Order != ByKey && s.Delimiter != "":
		return invalid(InvalidScan, "delimiter", "a delimiter is for the order of keys only")
	case s.Order != ByChange && !s.ModifiedSince.IsZero():
		return invalid(InvalidScan, "modified_since", "modified_since is for the order of change only")
	case s.Order != ByExpiry && !s.ExpiringBefore.IsZero():
		return invalid(InvalidScan, "expiring_before", "expiring_before is for the order of expiry only")
	}
	return validateLimit(s.Limit, lim)
}

// PageLimit is the number of entries and prefixes the page may hold.
func (s Scan) PageLimit(lim Limits) int { return pageLimit(s.Limit, lim) }

func pageLimit(limit int, lim Limits) int {
	if limit == 0 {
		return lim.WithDefaults().MaxPage
	}
	return limit
}

func validateLimit(limit int, lim Limits) error {
	if most := lim.WithDefaults().MaxPage; limit < 0 || limit > most {
		return invalid(InvalidScan, "limit", "limit lies between 1 and %d", most)
	}
	return nil
}

// Within gives the keys a scan by key covers as a half-open range: from is the
// first, to the first beyond, "" for none.
func (s Scan) Within() (from, to string) {
	from, to = s.Start, s.End
	if s.Prefix > from {
		from = s.Prefix
	}
	if after := PrefixEnd(s.Prefix); after != "" && (to == "" || after < to) {
		to = after
	}
	return from, to
}

// Covers says whether a key lies within the scan's prefix and range.
func (s Scan) Covers(key string) bool {
	from, to := s.Within()
	return key >= from && (to == "" || key < to)
}

// PrefixEnd is the first string, in the order of bytes, after all that start
// with prefix; "" where there is none.
func PrefixEnd(prefix string) string {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			return prefix[:i] + string([]byte{prefix[i] + 1})
		}
	}
	return ""
}
