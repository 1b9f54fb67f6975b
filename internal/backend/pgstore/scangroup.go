package pgstore

import (
	"context"
	"strconv"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"larder/internal/store"
)

// readGroups reads a page of entries and of what is rolled up.
func (p *pager) readGroups(ctx context.Context, q *selection) (store.Page, error) {
	var page store.Page
	last := "" // the place after what was taken last
	err := p.s.query(ctx, q.text(), q.args, func(rows pgx.Rows) error {
		if len(page.Entries)+len(page.Prefixes) == p.limit {
			page.Next = last
			return nil
		}
		raw := rows.RawValues()
		if raw[0] != nil {
			group := string(raw[0])
			page.Prefixes = append(page.Prefixes, group)
			if last = group; !p.scan.Reverse {
				last += groupMark
			}
			return nil
		}
		r, err := decodeRow(raw[1:])
		if err != nil {
			return err
		}
		page.Entries = append(page.Entries, r.Entry)
		last = r.Key
		return nil
	})
	if err != nil {
		return store.Page{}, err
	}
	return page, nil
}

// byGroup walks the keys and rolls up what goes on past the delimiter. Each
// step is a search in the index from where the step before ended: the next key,
// or past all keys of a group, however many there are.
//
// A step is a key, the group that it is rolled up to, null where it stands by
// itself, and where to go on: no key has a control character, so the first that
// may follow k is after k || chr(1).
func (p *pager) byGroup(keys keyRange) *selection {
	q := &selection{}
	table, limit, now := q.arg(p.scan.Table), q.arg(p.limit), q.now(p.s)
	delimiter := q.arg(p.scan.Delimiter) + "::text"
	prefix := strconv.Itoa(utf8.RuneCountInString(p.scan.Prefix))
	length := strconv.Itoa(utf8.RuneCountInString(p.scan.Delimiter))

	next, further := "coalesce(g.name, e.key)", "e.key < w.next"
	if !keys.reverse {
		next, further = "coalesce(g.name || "+q.arg(keyTail)+", e.key || chr(1))", "e.key >= w.next"
	}
	rows := func(where func()) {
		q.add("select e.key, g.name, ", next, " as next from ", p.s.sql.entries, " e",
			" cross join lateral (select nullif(strpos(substr(e.key, ", prefix, " + 1), ", delimiter, "), 0) as at) d",
			" cross join lateral (select left(e.key, ", prefix, " + d.at - 1 + ", length, ") as name) g",
			" where e.table_name = ", table)
		where()
		q.add(" and ", isLiving(now), " order by e.key", keys.direction(), " limit 1")
	}
	q.add("with recursive walk(n, key, name, next) as ((select 1, first.* from (")
	rows(func() { q.within(keys) })
	q.add(") first) union all select w.n + 1, further.* from walk w cross join lateral (")
	rows(func() {
		q.add(" and ", further)
		if keys.reverse {
			q.within(keyRange{from: keys.from})
		} else {
			q.within(keyRange{to: keys.to})
		}
	})
	q.add(") further where w.n <= ", limit, ") select w.name, ", p.columns(), " from walk w left join ",
		p.s.sql.entries, " e on w.name is null and e.table_name = ", table, " and e.key = w.key order by w.n")
	return q
}
