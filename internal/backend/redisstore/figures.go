package redisstore

import "larder/internal/store"

// figures are those of the servers, added up.
func (v survey) figures(db int) []store.Figure {
	told := func(name string) float64 {
		return v.sum(func(v *server) float64 { return v.number(name) })
	}
	return []store.Figure{
		{Name: "servers", Help: "Servers that hold the store, without replicas.", Value: float64(len(v))},
		{Name: "memory_used_bytes", Help: "Memory that the servers have used.", Value: told("used_memory")},
		{Name: "memory_max_bytes", Help: "Memory that they may use; 0 where that is not bounded.", Value: v.maxMemory()},
		{Name: "keys", Help: "Keys in the database: each entry is one, and there are others' too.", Value: v.sum(func(v *server) float64 { return v.keys(db) })},
		{Name: "evicted_keys_total", Help: "Keys that went to make room for others.", Value: told("evicted_keys"), Counter: true},
		{Name: "keyspace_hits_total", Help: "Look-ups of the servers that found a key.", Value: told("keyspace_hits"), Counter: true},
		{Name: "keyspace_misses_total", Help: "Look-ups of the servers that found none.", Value: told("keyspace_misses"), Counter: true},
		{Name: "connected_clients", Help: "Connections of clients to the servers.", Value: told("connected_clients")},
		{Name: "replicas", Help: "Replicas that are connected to the servers.", Value: told("connected_slaves")},
		{Name: "replica_lag_bytes", Help: "What the slowest replica has not received yet.", Value: v.lag()},
		{Name: "unsaved_changes", Help: "Changes since the last snapshot.", Value: told("rdb_changes_since_last_save")},
		{Name: "last_save_age_seconds", Help: "Time since the oldest of the servers' last snapshots, or since they started.", Value: v.saveAge()},
	}
}

func (v survey) maxMemory() float64 {
	if v.any(func(v *server) bool { return v.number("maxmemory") == 0 }) {
		return 0
	}
	return v.sum(func(v *server) float64 { return v.number("maxmemory") })
}

func (v survey) lag() (bytes float64) {
	for i := range v {
		for _, r := range v[i].replicas() {
			bytes = max(bytes, r.behind)
		}
	}
	return bytes
}

func (v survey) saveAge() (seconds float64) {
	for i := range v {
		seconds = max(seconds, v[i].number("server_time_usec")/1e6-v[i].number("rdb_last_save_time"))
	}
	return seconds
}

func (t *tallies) figures() []store.Figure {
	return []store.Figure{
		{Name: "scripted_batches_total", Help: "Batches that a script wrote by itself.", Value: float64(t.scripted.Load()), Counter: true},
		{Name: "evaluated_batches_total", Help: "Batches that were read, evaluated and then written.", Value: float64(t.commits.Load()), Counter: true},
		{Name: "repeated_batches_total", Help: "Times that was done again, since another had written in between.", Value: float64(t.repeated.Load()), Counter: true},
		{Name: "written_entries_total", Help: "Entries and tombstones written.", Value: float64(t.entries.Load()), Counter: true},
		{Name: "outcomes_unknown_total", Help: "Writes without a reply, of which nobody knows whether they happened.", Value: float64(t.unknown.Load()), Counter: true},
		{Name: "reaped_total", Help: "Expired entries and old tombstones cleared up.", Value: float64(t.reaped.Load()), Counter: true},
	}
}

func (p *pubsub) figures() []store.Figure {
	t := &p.s.tallies
	subscriptions := 0
	for _, a := range p.all() {
		subscriptions += a.fanout.Len()
	}
	return []store.Figure{
		{Name: "subscriptions", Help: "Subscriptions to messages, now.", Value: float64(subscriptions)},
		{Name: "published_messages_total", Help: "Messages published.", Value: float64(t.published.Load()), Counter: true},
		{Name: "received_messages_total", Help: "Messages that came for subscriptions, before they were handed on to each.", Value: float64(t.received.Load()), Counter: true},
		{Name: "unreadable_messages_total", Help: "Messages on larder's channels that larder has not published.", Value: float64(t.unreadable.Load()), Counter: true},
		{Name: "message_gaps_total", Help: "Times that subscribers were told that messages may be missing.", Value: float64(t.gaps.Load()), Counter: true},
	}
}

// figures are none where no entries are kept in memory.
func (c *cache) figures() []store.Figure {
	if c == nil {
		return nil
	}
	return []store.Figure{
		{Name: "cache_hits_total", Help: "Reads answered from this process's memory.", Value: float64(c.hits.Load()), Counter: true},
		{Name: "cache_misses_total", Help: "Reads answered by a server, and then kept in memory.", Value: float64(c.misses.Load()), Counter: true},
		{Name: "cache_passed_total", Help: "Copies in memory that could not be shown to be good, and were read anew.", Value: float64(c.passed.Load()), Counter: true},
		{Name: "cache_emptied_total", Help: "Connections that broke, and took the copies with them.", Value: float64(c.emptied.Load()), Counter: true},
	}
}
