package redisstore

import "context"

// almostFull is how much of its memory a server uses when an operator should know.
const almostFull = 0.9

// advise warns, once there is a way to the servers, of what an operator will hardly
// want so.
func (s *Store) advise(ctx context.Context, l *link) {
	at, err := s.survey(ctx, l)
	if err != nil {
		s.options.Logger.Warn().Err(err).Msg("Redis does not tell how it is set up")
		return
	}
	for _, text := range at.advice(s.address.kind) {
		s.options.Logger.Warn().Msg(text)
	}
}

// advice is a line for each thing.
func (v survey) advice(of deployment) (lines []string) {
	say := func(text string, when func(*server) bool) {
		if v.any(when) {
			lines = append(lines, text)
		}
	}
	say("Redis evicts keys when its memory is full, entries among them: set maxmemory-policy to noeviction", (*server).evicts)
	say("Redis saves nothing, and a restart of it loses all entries: set appendonly to yes", func(v *server) bool { return v.keeps() == unsaved })
	say("Redis keeps no append-only file, and a crash of it loses what was written since the last snapshot: set appendonly to yes",
		func(v *server) bool { return v.keeps() != unsaved && v.keeps().unsafe() })
	say("Redis could not save to its disk the last time, and may take no writes until it can", func(v *server) bool {
		return v.info["rdb_last_bgsave_status"] == "err" || v.info["aof_last_write_status"] == "err"
	})
	say("Redis may use more memory than its host has: lower maxmemory", func(v *server) bool {
		return v.number("total_system_memory") > 0 && v.number("maxmemory") > v.number("total_system_memory")
	})
	say("Redis has used almost all of the memory that it may, and will refuse writes when it is full: raise maxmemory", func(v *server) bool {
		return v.number("maxmemory") > 0 && v.number("used_memory") > almostFull*v.number("maxmemory")
	})
	say("no replica is in sync with Redis, so that none can take over", func(v *server) bool {
		return of == sentinel && !v.hasReplicaInSync()
	})
	return lines
}

func (v *server) hasReplicaInSync() bool {
	for _, r := range v.replicas() {
		if r.inSync {
			return true
		}
	}
	return false
}
