package redisstore

import (
	"context"
	"strconv"
	"strings"

	"github.com/redis/rueidis"
)

// server is what a server tells of itself.
type server struct {
	info   map[string]string // INFO
	config map[string]string // CONFIG GET; nil where a service keeps that to itself
}

// askServer asks one.
func (s *Store) askServer(ctx context.Context, client rueidis.Client) (server, error) {
	answers := client.DoMulti(
		ctx,
		client.B().Info().Section("server", "clients", "memory", "persistence", "stats", "replication", "keyspace").Build(),
		client.B().ConfigGet().Parameter(
			"appendonly", "appendfsync", "no-appendfsync-on-rewrite", "save", "maxmemory", "maxmemory-policy",
			"min-replicas-to-write", "min-replicas-max-lag",
		).Build(),
	)
	text, err := answers[0].ToString()
	if err != nil {
		return server{}, s.refusal(ctx, err)
	}
	config, err := answers[1].AsStrMap()
	if _, refused := rueidis.IsRedisErr(err); err != nil && !refused {
		return server{}, s.refusal(ctx, err)
	}
	return server{parseInfo(text), config}, nil
}

// number is one that INFO tells, 0 where it does not.
func (v *server) number(name string) float64 {
	n, err := strconv.ParseFloat(v.info[name], 64)
	if err != nil {
		return 0
	}
	return n
}

func (v *server) appendOnly() bool { return v.info["aof_enabled"] == "1" }

// evicts says whether keys may go to make room for others. Where only those do
// that Redis is to let expire, none of larder's do.
func (v *server) evicts() bool {
	return strings.HasPrefix(v.info["maxmemory_policy"], "allkeys-") && v.number("maxmemory") > 0
}

// setting is one of CONFIG's, or says that it is not told.
func (v *server) setting(name string) string {
	value, told := v.config[name]
	switch {
	case !told:
		return "not told"
	case value == "":
		return "none"
	}
	return value
}

// boundOfLoss is for how many seconds at most a server goes on writing without
// hearing of enough replicas; ok is false where that is not bounded.
func (v *server) boundOfLoss() (seconds int, ok bool) {
	replicas, err := strconv.Atoi(v.config["min-replicas-to-write"])
	if err != nil || replicas == 0 {
		return 0, false
	}
	seconds, err = strconv.Atoi(v.config["min-replicas-max-lag"])
	return seconds, err == nil && seconds > 0
}

// replica is how one fares, by its master.
type replica struct {
	inSync bool
	behind float64 // bytes
}

// replicas are those that are connected.
func (v *server) replicas() []replica {
	var all []replica
	for n := range int(v.number("connected_slaves")) {
		told := make(map[string]string)
		for pair := range strings.SplitSeq(v.info["slave"+strconv.Itoa(n)], ",") {
			name, value, _ := strings.Cut(pair, "=")
			told[name] = value
		}
		r := replica{inSync: told["state"] == "online"}
		if offset, err := strconv.ParseFloat(told["offset"], 64); err == nil {
			r.behind = max(0, v.number("master_repl_offset")-offset)
		}
		all = append(all, r)
	}
	return all
}

// keys is how many there are in a database.
func (v *server) keys(db int) float64 {
	_, rest, _ := strings.Cut(v.info["db"+strconv.Itoa(db)], "keys=")
	count, _, _ := strings.Cut(rest, ",")
	n, err := strconv.ParseFloat(count, 64)
	if err != nil {
		return 0 // a database without keys is not told of
	}
	return n
}
