package redisstore

import (
	"context"
	"strconv"

	"github.com/redis/rueidis"

	"larder/internal/backend/sortedindex"
	"larder/internal/store"
)

// countBySets has Redis count, at one moment, where that is what the filter asks for:
// all of the table, or what an index has within spans. counted is false where it can't
// be done so: the filter asks for more, or more have expired and were not cleared up
// than one script can give.
func (r *search) countBySets(ctx context.Context, d *shard) (n int64, plan store.Plan, counted bool, err error) {
	for {
		c := r.s.catalogs.known(d, r.query.Table)
		a := sortedindex.Plan(c.candidates(), &r.query.Query)
		if !a.Exact {
			return 0, store.Plan{}, false, nil
		}
		if a.Index != nil && len(a.Spans) == 0 { // the filter allows nothing
			return 0, r.planOf(&a, 0), true, nil
		}
		answer, err := r.askCount(ctx, d, c, &a)
		if err != nil {
			return 0, store.Plan{}, false, err
		}
		if len(answer) > 1 {
			n, looked, counted, err := r.readCount(answer)
			return n, r.planOf(&a, looked), counted, r.s.damage(err)
		}
		if err := r.s.learn(ctx, r.link, d, []string{r.query.Table}); err != nil {
			return 0, store.Plan{}, false, err
		}
	}
}

func (r *search) askCount(ctx context.Context, d *shard, c *catalog, a *sortedindex.Access) ([]rueidis.RedisMessage, error) {
	set := d.keys(r.query.Table)
	args := []string{r.s.clock(), c.stands(), d.entry(store.Ref{Table: r.query.Table}), strconv.Itoa(r.s.options.ScriptEntries), strconv.Itoa(scanBytes)}
	if x := c.chosen(a); x != nil {
		set = x.set
		for _, span := range spansOf(a, &r.query.Query) {
			args = append(args, span.low, span.high)
		}
	}
	answer, err := r.s.scripts.count.Exec(ctx, r.link.client, []string{d.state(r.query.Table), set, d.expiry(r.query.Table), d.never}, args).ToArray()
	if err != nil {
		return nil, r.s.refusal(ctx, err)
	}
	return answer, nil
}

// readCount takes off the count what has expired.
func (r *search) readCount(answer []rueidis.RedisMessage) (n, looked int64, counted bool, err error) {
	if len(answer)%2 != 1 {
		return 0, 0, false, damagedf("a count is cut short")
	}
	if n, err = number(&answer[1]); err != nil {
		return 0, 0, false, err
	}
	word, err := answer[2].ToString()
	if err != nil || word != "end" {
		return 0, 0, false, err
	}
	for i := 3; i < len(answer); i += 2 {
		key, err := answer[i].ToString()
		if err != nil {
			return 0, 0, false, err
		}
		b, err := bytesOf(&answer[i+1])
		if err != nil || b == nil {
			return 0, 0, false, err
		}
		record, err := decodeRecord(b)
		if err != nil {
			return 0, 0, false, err
		}
		e, err := record.entry(store.Ref{Table: r.query.Table, Key: key})
		if err != nil {
			return 0, 0, false, err
		}
		if r.query.Match(e) {
			n--
		}
		looked++
	}
	return n, looked, true, nil
}
