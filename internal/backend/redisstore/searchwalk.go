package redisstore

import (
	"bytes"
	"context"
	"errors"

	"larder/internal/backend/sortedindex"
	"larder/internal/store"
)

// searchAttempts is how often a walk is begun, each time with four times the room for
// matches that come to nothing.
const searchAttempts = 6

// errOutpaced says that a table changes faster than a query can be answered.
var errOutpaced = errors.New("the table has changed too much meanwhile")

// attempts finds a shard's matches, in whatever begin gives for them each time.
func (r *search) attempts(ctx context.Context, d *shard, begin func(spare int) matches) (store.Plan, error) {
	spare, outpaced := r.s.options.ScriptEntries, 0
	for {
		w := r.newWalk(d)
		err := w.run(ctx, begin(spare))
		switch {
		case errors.Is(err, errMoved): // its indexes are others
			err = r.s.learn(ctx, r.link, d, []string{r.query.Table})
		case errors.Is(err, errOutpaced):
			if outpaced++; outpaced == searchAttempts {
				return store.Plan{}, r.s.fail(store.Busy, "the table changes faster than the query can be answered; a narrower filter, or an index that serves it, would help", nil)
			}
			spare, err = 4*spare, nil
		case err == nil:
			return r.planOf(&w.access, w.scanned), nil
		}
		w.unscan()
		if err != nil {
			return store.Plan{}, err
		}
	}
}

// walk goes by an access through what of a shard may match.
type walk struct {
	*search
	shard   *shard
	catalog *catalog
	access  sortedindex.Access
	from    chunkOf

	now     int64 // of the last chunk
	since   int64 // the sequence at which what has been read stood, but for what is of later
	last    string
	chunks  int
	scanned int64
}

func (r *search) newWalk(d *shard) *walk {
	c := r.s.catalogs.known(d, r.query.Table)
	w := &walk{search: r, shard: d, catalog: c, access: sortedindex.Plan(c.candidates(), &r.query.Query)}
	w.from = chunkOf{table: r.query.Table, catalog: c, index: c.chosen(&w.access), spans: spansOf(&w.access, &r.query.Query), most: r.s.options.ScriptEntries}
	if needed := r.query.Offset + r.query.Limit + 1; w.access.InOrder && needed < w.from.most {
		w.from.most = needed
		if !w.access.Exact {
			w.from.most = min(w.from.most+needed/2+50, r.s.options.ScriptEntries)
		}
	}
	return w
}

// run gives the matches of one moment: that of the only chunk, where one does.
func (w *walk) run(ctx context.Context, m matches) error {
	for {
		for !w.done(m) {
			if err := w.next(ctx, m); err != nil {
				return err
			}
		}
		if w.chunks > 1 {
			if err := w.catchUp(ctx, m); err != nil {
				return err
			}
			if !m.isComplete() {
				return errOutpaced
			}
		}
		if w.done(m) { // still, after what has been taken back
			return nil
		}
	}
}

// unscan has the entries count for nothing that the walk has looked at in vain.
func (w *walk) unscan() {
	if w.access.Index == nil {
		w.search.scanned.Add(-w.scanned)
	}
}

// done says whether the walk need not go on.
func (w *walk) done(m matches) bool {
	return len(w.from.spans) == 0 || w.access.InOrder && m.isFull()
}

// next reads a chunk.
func (w *walk) next(ctx context.Context, m matches) error {
	w.from.looks = w.s.options.ScriptEntries
	if left := int64(w.query.Budget) + 1 - w.search.scanned.Load(); w.access.Index == nil {
		w.from.most = int(max(min(int64(w.from.most), left), 1))
	}
	c, err := w.s.readChunk(ctx, w.link, w.shard, &w.from)
	if err != nil {
		return err
	}
	if w.chunks++; w.chunks == 1 {
		w.since = c.sequence
	}
	w.now, w.last, w.from.spans = c.now, c.last, c.rest
	w.from.most = min(4*w.from.most, w.s.options.ScriptEntries)
	for i, key := range c.keys {
		if err := w.consider(key, c.records[i], m); err != nil {
			return err
		}
	}
	w.scanned += int64(len(c.keys))
	if w.access.Index == nil && w.search.scanned.Add(int64(len(c.keys))) > int64(w.query.Budget) && (!w.access.InOrder || !m.isFull()) {
		return sortedindex.TooExpensive(w.query)
	}
	return nil
}

// consider adds an entry that exists, if it matches.
func (w *walk) consider(key string, held []byte, m matches) error {
	r, err := decodeRecord(held)
	if err != nil {
		return w.s.damage(err)
	}
	e, err := r.entry(store.Ref{Table: w.query.Table, Key: key})
	if err != nil {
		return w.s.damage(err)
	}
	if w.query.Match(e) {
		m.add(e)
	}
	return nil
}

// passed says whether the walk would have found an entry that matches, as it is now.
func (w *walk) passed(e *store.Entry) (bool, error) {
	switch {
	case len(w.from.spans) == 0:
		return true, nil
	case w.access.Index == nil:
		return e.Key <= w.last, nil
	}
	fields, key, err := sortedindex.Split([]byte(w.last))
	if err != nil {
		return false, damagedf("%w", err)
	}
	own := w.access.Index.Place(e.Value).Fields
	order := bytes.Compare(own, fields)
	if w.access.Descending {
		order = -order
	}
	return order < 0 || order == 0 && e.Key <= string(key), nil
}
