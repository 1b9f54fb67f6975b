package redisstore

import (
	"context"
	"errors"

	"larder/internal/store"
)

// Install takes entries over, all of a shard's at one moment. Unique indexes do
// not refuse them: they stand in another store already.
func (s *Store) Install(ctx context.Context, entries []store.Entry) error {
	refs := make([]store.Ref, len(entries))
	for i := range entries {
		if err := entries[i].Ref.Validate(); err != nil {
			return err
		}
		if entries[i].Version < 1 {
			return s.fail(store.InvalidOperation, "an entry to install has a version", nil)
		}
		refs[i] = entries[i].Ref
	}
	l, err := s.enter(ctx)
	if err != nil || len(entries) == 0 {
		return err
	}
	parts := l.split(refs)
	for i := range parts {
		if err := s.installPart(ctx, l, &parts[i], entries); err != nil {
			return err
		}
	}
	return nil
}

// installPart installs the entries of one shard. Of several with the same name
// the newest counts.
func (s *Store) installPart(ctx context.Context, l *link, p *part, entries []store.Entry) error {
	newest := make(map[store.Ref]*store.Entry, len(p.at))
	refs := make([]store.Ref, 0, len(p.at))
	for _, at := range p.at {
		e := &entries[at]
		known := newest[e.Ref]
		if known == nil {
			refs = append(refs, e.Ref)
		}
		if known == nil || e.InPlaceOf(known.Version, known.Deleted) {
			newest[e.Ref] = e
		}
	}
	return s.inTurn(ctx, p.shard, refs, func() error { return s.installInTurn(ctx, l, p.shard, refs, newest) })
}

func (s *Store) installInTurn(ctx context.Context, l *link, d *shard, refs []store.Ref, newest map[store.Ref]*store.Entry) error {
	for attempt := 0; ; attempt++ {
		if attempt > 0 {
			if err := s.pause(ctx, attempt); err != nil {
				return err
			}
		}
		switch err := s.install(ctx, l, d, refs, newest); {
		case err == nil:
			written := make([]store.Entry, len(refs))
			for i, ref := range refs {
				written[i] = *newest[ref]
			}
			s.noted(written)
			return nil
		case !errors.Is(err, errMoved):
			return err
		}
	}
}

func (s *Store) install(ctx context.Context, l *link, d *shard, refs []store.Ref, newest map[store.Ref]*store.Entry) error {
	found, err := s.load(ctx, l, d, refs)
	if err != nil {
		return err
	}
	c := &commit{s: s, link: l, shard: d, found: found, keeps: true}
	for i, ref := range refs {
		e := newest[ref]
		if b := found.records[i]; b != nil {
			r, err := decodeRecord(b)
			if err != nil {
				return s.damage(err)
			}
			if !e.InPlaceOf(r.version, r.deleted()) {
				continue
			}
		}
		c.put(i, *e)
	}
	if c.writes == nil {
		return nil
	}
	return c.do(ctx)
}
