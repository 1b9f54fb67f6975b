package store

import "slices"

// Evaluate is what every query means, said plainly: of all of a table's
// existing entries those that match, sorted, from the position on, past the
// offset, up to the limit, projected. Stores that answer queries in cleverer
// ways are held to it by the suite.
func Evaluate(q Query, entries []Entry, lim Limits) (Found, error) {
	c, err := q.Compile(lim)
	if err != nil {
		return Found{}, err
	}
	var matches []ranked
	for _, e := range entries {
		if e.Exists() && c.Match(e) {
			if r := c.rank(e); c.beyond(r) {
				matches = append(matches, r)
			}
		}
	}
	slices.SortFunc(matches, c.compare)
	return c.page(matches), nil
}

// page cuts sorted matches, one more than the page where there are so many,
// down to the page.
func (c *Compiled) page(matches []ranked) Found {
	matches = matches[min(c.Offset, len(matches)):]
	var found Found
	if len(matches) > c.Limit {
		matches = matches[:c.Limit]
		found.Next = matches[c.Limit-1].position()
	}
	for _, r := range matches {
		found.Entries = append(found.Entries, c.Project(r.entry))
	}
	return found
}
