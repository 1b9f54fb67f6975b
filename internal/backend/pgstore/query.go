package pgstore

import (
	"context"
	"errors"
	"fmt"

	"larder/internal/store"
)

// Search has PostgreSQL find, sort and cut. Where no index helps it looks at no
// more entries than the query's budget, and less where the page is full before.
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
	if err := checkPosition(c.After, sortFieldsOf(c)); err != nil {
		return store.Found{}, err
	}
	var found store.Found
	err = s.planned(ctx, c, func(p *queryPlan) error {
		found, err = s.searchBy(ctx, c, p)
		return err
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
		p := s.newPlan(c, indexes)
		if err := ask(p); err == nil || !errors.Is(err, store.QueryTooExpensive) || now {
			return err
		}
	}
	return nil
}

func (s *Store) searchBy(ctx context.Context, c *store.Compiled, p *queryPlan) (store.Found, error) {
	page := *c
	page.Offset = 0 // the statement has passed over it
	top := page.Collect(true)
	err := s.runPlanned(ctx, s.poolOf(ctx), p.searchStatement(), func(raw [][]byte) error {
		if p.noted(raw[columnCount]) {
			return nil
		}
		r, err := decodeRow(raw)
		if err == nil {
			top.Add(r.Entry)
		}
		return err
	})
	if err == nil {
		err = p.refusal()
	}
	if err != nil {
		return store.Found{}, err
	}
	found := top.Found()
	found.Plan = p.told(s.options.Name)
	return found, nil
}

func (s *Store) countBy(ctx context.Context, p *queryPlan) (store.Counted, error) {
	var counted store.Counted
	err := s.runPlanned(ctx, s.poolOf(ctx), p.countStatement(), func(raw [][]byte) error {
		if !p.noted(raw[1]) {
			counted.Count = int64Of(raw[0])
		}
		return nil
	})
	if err == nil {
		err = p.refusal()
	}
	if err != nil {
		return store.Counted{}, err
	}
	counted.Plan = p.told(s.options.Name)
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
