package redisstore

import "fmt"

// keeping is how a server keeps what it is told, the weaker the smaller.
type keeping int

const (
	unsaved keeping = iota
	perhapsSnapshots
	snapshots
	perhapsSynced
	unsynced
	everySecond
	syncedMostly
	synced
)

// kept are what an acknowledged write survives (Redis's manual, Persistence).
var kept = [...]string{
	unsaved:          "an acknowledged write survives a crash of larder; a restart of the Redis server loses everything, since it saves nothing",
	perhapsSnapshots: "an acknowledged write survives a crash of larder; one of the Redis server loses all since its last snapshot, and everything where it makes none, which it does not tell: appendonly is off",
	snapshots:        "an acknowledged write survives a crash of larder; one of the Redis server loses all since its last snapshot: appendonly is off",
	perhapsSynced:    "an acknowledged write survives a crash of larder; one of the Redis server or of its host may lose the last ones: appendonly is on, and when it syncs the server does not tell",
	unsynced:         "an acknowledged write survives a crash of larder and of the Redis server; one of the server's host may lose those of the last half minute, which the system had not written yet: appendfsync is no",
	everySecond:      "an acknowledged write survives a crash of larder; one of the Redis server or of its host may lose those of the last second, or of two where the disk is slow: appendfsync is everysec",
	syncedMostly:     "an acknowledged write has been synced to the Redis server's disk, and survives a crash of larder, of the server and of its host; but not those made while it rewrites its file or saves a snapshot: no-appendfsync-on-rewrite is yes",
	synced:           "an acknowledged write has been synced to the Redis server's disk, and survives a crash of larder, of the server and of its host",
}

// keeps says how the server keeps what it is told.
func (v *server) keeps() keeping {
	if !v.appendOnly() {
		switch save, told := v.config["save"]; {
		case !told:
			return perhapsSnapshots
		case save == "":
			return unsaved
		}
		return snapshots
	}
	switch v.config["appendfsync"] {
	case "always":
		if v.config["no-appendfsync-on-rewrite"] == "yes" {
			return syncedMostly
		}
		return synced
	case "everysec":
		return everySecond
	case "no":
		return unsynced
	}
	return perhapsSynced
}

// weakest is how the worst of the servers keeps it: an entry may be at any.
func (v survey) weakest() (worst keeping, differ bool) {
	worst = v[0].keeps()
	for i := range v {
		differ = differ || v[i].keeps() != v[0].keeps()
		worst = min(worst, v[i].keeps())
	}
	return worst, differ
}

// durability says what an acknowledged write survives.
func (v survey) durability(of deployment) string {
	worst, differ := v.weakest()
	text := kept[worst] + v.failover(of)
	if differ {
		text = fmt.Sprintf("of %d servers the weakest counts: %s", len(v), text)
	}
	if v.any((*server).evicts) {
		text = fmt.Sprintf("the Redis server evicts keys when its memory is full (maxmemory-policy %s), entries and their versions among them, so this is no place to keep data; else %s",
			v.all(func(v *server) string { return v.info["maxmemory_policy"] }), text)
	}
	return text
}

// failover says what may be lost when a replica takes over, where one can.
func (v survey) failover(of deployment) string {
	if of != sentinel && !v.any(func(v *server) bool { return v.number("connected_slaves") > 0 }) {
		return ""
	}
	const text = "; replicas receive it afterwards, so that a failover may lose "
	longest := 0
	for i := range v {
		seconds, bounded := v[i].boundOfLoss()
		if !bounded {
			return text + "the last ones"
		}
		longest = max(longest, seconds)
	}
	return fmt.Sprintf("%sthose of the last %d s at most, by min-replicas-to-write", text, longest)
}

// unsafe says whether a crash of a server loses more than moments.
func (k keeping) unsafe() bool { return k <= snapshots }
