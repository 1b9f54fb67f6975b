package redisstore

import (
	"context"
	"strconv"

	"github.com/redis/rueidis"

	"larder/internal/store"
)

// chunkOf asks for a chunk of what a table holds, found by its keys or by an index.
type chunkOf struct {
	table   string
	catalog *catalog // the indexes that the table still has to have
	index   *index   // nil: by keys
	spans   []setSpan
	most    int  // entries, at least 1
	looks   int  // entries to look at, at least 1
	expired bool // what has expired and was not cleared up, too
}

// chunk is what one script has read, at one moment.
type chunk struct {
	now      int64 // µs since 1970
	sequence int64 // of the last write to the shard
	last     string
	rest     []setSpan // where to go on after the member that was looked at last
	keys     []string
	records  [][]byte
}

// readChunk fails with errMoved where the table's indexes are others.
func (s *Store) readChunk(ctx context.Context, l *link, d *shard, q *chunkOf) (*chunk, error) {
	set, way, expired := d.keys(q.table), "keys", ""
	if q.index != nil {
		set, way = q.index.set, "index"
	}
	if q.expired {
		expired = "all"
	}
	args := make([]string, 0, 8+3*len(q.spans))
	args = append(args, s.clock(), q.catalog.stands(), d.entry(store.Ref{Table: q.table}), way,
		strconv.Itoa(q.most), strconv.Itoa(q.looks), strconv.Itoa(scanBytes), expired)
	for _, span := range q.spans {
		direction := "up"
		if span.down {
			direction = "down"
		}
		args = append(args, direction, span.low, span.high)
	}
	answer, err := s.scripts.search.Exec(ctx, l.client, []string{d.sequence, d.state(q.table), set, d.never}, args).ToArray()
	if err != nil {
		return nil, s.refusal(ctx, err)
	}
	if len(answer) == 1 {
		return nil, errMoved
	}
	c := &chunk{}
	if err := c.read(answer, q.spans); err != nil {
		return nil, s.damage(err)
	}
	s.sequence.raise(c.sequence)
	return c, nil
}

func (c *chunk) read(answer []rueidis.RedisMessage, spans []setSpan) (err error) {
	if len(answer) < 4 || len(answer)%2 != 0 {
		return damagedf("a chunk of entries is cut short")
	}
	var at int64
	for i, n := range []*int64{&c.now, &c.sequence, &at} {
		if *n, err = number(&answer[i]); err != nil {
			return err
		}
	}
	if c.last, err = answer[3].ToString(); err != nil {
		return err
	}
	if at > int64(len(spans)) {
		return damagedf("of %d spans the %d. was read", len(spans), at)
	}
	if at > 0 {
		if c.rest, err = restOf(spans[at-1:], c.last); err != nil {
			return damagedf("%w", err)
		}
	}
	c.keys = make([]string, 0, len(answer)/2-2)
	c.records = make([][]byte, 0, len(answer)/2-2)
	for i := 4; i < len(answer); i += 2 {
		key, err := answer[i].ToString()
		if err != nil {
			return err
		}
		record, err := bytesOf(&answer[i+1])
		if err != nil {
			return err
		}
		c.keys, c.records = append(c.keys, key), append(c.records, record)
	}
	return nil
}
