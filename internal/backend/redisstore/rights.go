package redisstore

import (
	"context"
	"slices"
	"strings"

	"github.com/redis/rueidis"
)

// rights are the commands that the user has to be allowed, by name and with
// arguments, KEY for a key of larder's. Scripts are held to it at every command: one
// that may not run the next would leave half a write behind.
func rights() []string {
	return []string{
		"del KEY", "get KEY", "getrange KEY 0 1", "hdel KEY f", "hget KEY f", "hgetall KEY", "hmget KEY f", "hset KEY f v", "hsetnx KEY f v", "mget KEY",
		"pexpire KEY 1", "sadd KEY v", "scan 0", "set KEY v", "sismember KEY v", "smembers KEY", "time", "unlink KEY",
		"zadd KEY 0 m", "zcard KEY", "zcount KEY 0 1", "zlexcount KEY - +", "zrange KEY 0 1", "zrank KEY m", "zrem KEY m", "zscore KEY m",
		"eval s 1 KEY", "eval_ro s 1 KEY", "evalsha s 1 KEY", "evalsha_ro s 1 KEY", "info", "ping",
	}
}

// rightsOf are those, and the ones that the deployment and the memory take.
func (s *Store) rightsOf() []string {
	all := rights()
	switch s.address.kind {
	case cluster:
		all = append(all, "asking", "cluster|slots", "cluster|shards")
	case sentinel:
		all = append(all, "role")
	}
	if s.address.db != 0 {
		all = append(all, "select 0")
	}
	if s.cache != nil {
		all = append(all, "client|caching YES", "client|tracking ON")
	}
	return all
}

// messageRights are those that messages take besides. They are not asked for at the
// start: who sends no messages needs none. Of the channels it has to be all, since a
// glob is allowed only where the same glob is granted, letter by letter.
func messageRights() []string {
	return []string{"+publish", "+subscribe", "+unsubscribe", "+psubscribe", "+punsubscribe", "allchannels"}
}

// checkRights holds the user to what larder has to do.
func (s *Store) checkRights(ctx context.Context, client rueidis.Client, d *shard) error {
	missing, err := s.scripts.rights.Exec(ctx, client, []string{d.meta}, s.rightsOf()).AsStrSlice()
	switch {
	case err != nil:
		return s.connectError(ctx, err)
	case len(missing) > 0:
		return s.unusable("url", s.lacks(missing))
	}
	return nil
}

// lacks says which rights the user needs besides, as ACL SETUSER takes them.
func (s *Store) lacks(commands []string) string {
	grants := slices.Clone(commands)
	for i := range grants {
		grants[i] = "+" + grants[i]
	}
	return "the Redis user may not do what larder has to; grant it " + strings.Join(grants, " ") + " and what else docs/redis.md lists"
}
