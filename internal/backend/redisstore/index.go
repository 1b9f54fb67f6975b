package redisstore

import (
	"context"

	"github.com/redis/rueidis"

	"larder/internal/store"
)

// index is a secondary index in one shard.
type index struct {
	id  uint64
	set string // the name of its sorted set
	def store.Index
}

// readIndexes reads the definitions of a table's indexes: names, and behind each
// what it is.
func readIndexes(_ *shard, table string, definitions []string) ([]*index, error) {
	if len(definitions) > 0 {
		return nil, damagedf("the table %s has indexes", table)
	}
	return nil, nil
}

// indexChange is what becomes of an entry in one index.
type indexChange struct {
	index  *index
	set    string // the name of the sorted set
	remove []byte // member; nil: none
	add    []byte
	alone  []byte // fields that no other entry may have; nil: any may
}

// indexChanges are those that come with a write.
func (c *commit) indexChanges(ctx context.Context, i int, w *write) ([]indexChange, error) {
	table := c.found.tableOf[i]
	catalog, err := c.s.catalogOf(ctx, c.link, c.shard, c.found.tables[table], c.found.states[table].generation)
	if err != nil || len(catalog.indexes) == 0 {
		return nil, err
	}
	return nil, c.s.damage(damagedf("the write %q meets indexes", w.action))
}

// taken is the error for an entry that a unique index refuses.
func (c *commit) taken(answer []rueidis.RedisMessage, sets *setPlaces) error {
	at, err := answer[1].AsInt64()
	if err != nil {
		return c.s.damage(err)
	}
	place, err := answer[2].AsInt64()
	if err != nil {
		return c.s.damage(err)
	}
	holder, err := answer[3].ToString()
	if err != nil {
		return c.s.damage(err)
	}
	ref, x := c.found.refs[at-1], sets.of[int(place)].index
	return &takenError{at: int(at) - 1, err: &store.Error{
		Code: store.UniqueViolation, Ref: ref, Field: "value",
		Detail: "the unique index " + x.def.Name + " holds the same for the key " + holder,
	}}
}
