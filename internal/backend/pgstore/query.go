package pgstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"larder/internal/store"
)

// Search has PostgreSQL find, sort and cut. Where no index helps it looks at no
// more entries than the query's budget, and at less where the page is full
// before.
func (s *Store) Search(ctx context.Context, q store.Query) (store.Found, error) {
	return readFrom(ctx, s, func(ctx context.Context, from store.Source) (store.Found, error) {
		found, err := s.search(ctx, q)
		found.Source = from
		return found, err
	})
}

func (s *Store) search(ctx context.Context, q store.Query) (store.Found, error) {
	c, err := q.Compile(s.options.Limits)
	if err != nil {
		return store.Found{}, err
	}
	if err := checkPosition(c.After, sortFields(c, nil, "")); err != nil {
		return store.Found{}, err
	}
	var found store.Found
	err = s.planned(ctx, c, func(p *queryPlan) error {
		for _, way := range p.ways() {
			var complete bool
			if found, complete, err = s.searchBy(ctx, p, way); err != nil || complete {
				return err
			}
		}
		return nil
	})
	return found, err
}

// Count counts what matches. All of a table may be counted, whatever the budget.
func (s *Store) Count(ctx context.Context, q store.Query) (store.Counted, error) {
	return readFrom(ctx, s, func(ctx context.Context, from store.Source) (store.Counted, error) {
		counted, err := s.countMatches(ctx, q)
		counted.Source = from
		return counted, err
	})
}

func (s *Store) countMatches(ctx context.Context, q store.Query) (store.Counted, error) {
	c, err := store.Query{Table: q.Table, Filter: q.Filter, Budget: q.Budget}.Compile(s.options.Limits)
	if err != nil {
		return store.Counted{}, err
	}
	var counted store.Counted
	err = s.planned(ctx, c, func(p *queryPlan) error {
		counted, err = s.countBy(ctx, p)
		return err
	})
	return counted, err
}

// planned chooses how to ask. What this gateway knows of the indexes may be a
// moment old: before a query is refused as too expensive, they are read anew.
func (s *Store) planned(ctx context.Context, c *store.Compiled, ask func(p *queryPlan) error) error {
	if ctx.Err() != nil {
		return s.ended(ctx)
	}
	for _, now := range []bool{false, true} {
		indexes, err := s.indexesOf(ctx, c.Table, now)
		if err != nil {
			return err
		}
		if err := ask(s.newPlan(c, indexes)); !errors.Is(err, store.QueryTooExpensive) || now {
			return err
		}
	}
	return nil
}

// searchBy asks one statement. complete says that it had the whole answer.
func (s *Store) searchBy(ctx context.Context, p *queryPlan, way statement) (found store.Found, complete bool, err error) {
	page := *p.query
	page.Offset = 0 // the statement has passed over it
	top := page.Collect(true)
	count := 0
	var heard notes
	err = s.query(ctx, way.sql, way.args, func(rows pgx.Rows) error {
		raw := rows.RawValues()
		if heard.take(raw[columnCount]) {
			return nil
		}
		count++
		r, err := decodeRow(raw)
		if err == nil {
			top.Add(r.Entry)
		}
		return err
	})
	switch {
	case err != nil:
		return store.Found{}, false, err
	case heard.over:
		return store.Found{}, false, tooExpensive(p.query)
	case heard.more || count < way.atLeast:
		return store.Found{}, false, nil
	}
	found = top.Found()
	found.Plan = p.told(heard.usages, s.options.Name)
	return found, true, nil
}

func (s *Store) countBy(ctx context.Context, p *queryPlan) (store.Counted, error) {
	var counted store.Counted
	var heard notes
	way := p.countWay()
	err := s.query(ctx, way.sql, way.args, func(rows pgx.Rows) error {
		if raw := rows.RawValues(); !heard.take(raw[1]) {
			counted.Count = int64Of(raw[0])
		}
		return nil
	})
	if err == nil && heard.over {
		err = tooExpensive(p.query)
	}
	if err != nil {
		return store.Counted{}, err
	}
	counted.Plan = p.told(heard.usages, s.options.Name)
	return counted, nil
}

// tooExpensive names the index that would help, where one could.
func tooExpensive(c *store.Compiled) error {
	e := &store.Error{
		Code: store.QueryTooExpensive, Ref: store.Ref{Table: c.Table}, Field: "filter",
		Detail: fmt.Sprintf("the query would look at more than %d entries; compare a field with a string or a number, and an index on that field would help", c.Budget),
	}
	if field, ok := helpful(conjuncts(c.Filter)); ok {
		e.Detail = fmt.Sprintf("the query would look at more than %d entries; an index on %s (%s) would help", c.Budget, field.Path, field.Type)
	}
	return e
}
