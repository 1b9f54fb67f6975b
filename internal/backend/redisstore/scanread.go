package redisstore

import (
	"context"
	"strconv"
	"sync"

	"github.com/redis/rueidis"

	"larder/internal/store"
)

// scanBytes bounds what one script gives.
const scanBytes = 4 << 20

// scanReader reads what a page of a scan is made of.
type scanReader struct {
	s     *Store
	link  *link
	scan  *store.Scan
	place scanOrder
	limit int
}

// source is what a shard has of a scan.
type source struct {
	shard *shard
	items []scanItem // read and not yet taken
	last  string     // the place that was looked at last
	ended bool       // there is nothing after the items
}

// read gives the first items of all shards, one more than the page holds where
// there are so many.
func (r *scanReader) read(ctx context.Context) ([]scanItem, error) {
	sources := make([]source, len(r.link.shards))
	for i := range sources {
		sources[i].shard = &r.link.shards[i]
	}
	want := r.limit + 1
	if len(sources) == 1 {
		for src := &sources[0]; len(src.items) < want && !src.ended; {
			if err := r.fill(ctx, src, want-len(src.items)); err != nil {
				return nil, err
			}
		}
		return sources[0].items, nil
	}
	return r.merge(ctx, sources, want)
}

// merge takes what comes first of several shards, again and again. Each is asked
// for somewhat more than its share, and again where that was not enough.
func (r *scanReader) merge(ctx context.Context, sources []source, want int) (items []scanItem, err error) {
	share := 2*want/len(sources) + 8
	if err := r.fillAll(ctx, sources, share); err != nil {
		return nil, err
	}
	for len(items) < want {
		var first *source
		for i := range sources {
			src := &sources[i]
			for len(src.items) == 0 && !src.ended {
				if err := r.fill(ctx, src, share); err != nil {
					return nil, err
				}
			}
			if len(src.items) > 0 && (first == nil || r.place.compare(&src.items[0], &first.items[0]) < 0) {
				first = src
			}
		}
		if first == nil {
			return items, nil
		}
		x := first.items[0]
		first.items = first.items[1:]
		if n := len(items); !x.group || n == 0 || !items[n-1].group || items[n-1].key != x.key {
			items = append(items, x)
		}
	}
	return items, nil
}

func (r *scanReader) fillAll(ctx context.Context, sources []source, want int) error {
	errs := make([]error, len(sources))
	var all sync.WaitGroup
	for i := range sources {
		all.Go(func() { errs[i] = r.fill(ctx, &sources[i], want) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// fill reads a stretch.
func (r *scanReader) fill(ctx context.Context, src *source, want int) error {
	own := r.place.arguments(src.shard, src.last)
	keysOnly := ""
	if r.scan.KeysOnly {
		keysOnly = "keys"
	}
	args := append([]string{
		r.s.clock(), src.shard.entry(store.Ref{Table: r.scan.Table}), own[0], strconv.Itoa(want),
		strconv.Itoa(2*r.s.options.ScriptEntries + want), strconv.Itoa(scanBytes), r.scan.Prefix, keysOnly,
	}, own[1:]...)
	answer, err := r.s.scripts.scan.Exec(ctx, r.link.client, []string{r.place.set(src.shard), src.shard.never}, args).ToArray()
	if err != nil {
		return r.s.refusal(ctx, err)
	}
	return r.s.damage(r.take(src, answer))
}

func (r *scanReader) take(src *source, answer []rueidis.RedisMessage) error {
	if len(answer) < 2 || len(answer)%2 != 0 {
		return damagedf("a stretch of entries is cut short")
	}
	last, err := answer[1].ToString()
	if err != nil {
		return err
	}
	src.last, src.ended = last, last == "end"
	if src.ended {
		src.last = ""
	}
	for i := 2; i < len(answer); i += 2 {
		x := scanItem{shard: src.shard.index}
		if x.key, err = answer[i].ToString(); err != nil {
			return err
		}
		if x.group = answer[i+1].IsNil(); !x.group {
			b, err := bytesOf(&answer[i+1])
			if err != nil {
				return err
			}
			if x.record, err = decodeRecord(b); err != nil {
				return err
			}
		}
		if r.place.covers(&x) {
			src.items = append(src.items, x)
		}
	}
	return nil
}
