package pgstore

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"larder/internal/store"
)

// setup is what the server says of itself.
type setup struct {
	version, fsync, commit, standbys string
	storage, database                int64 // bytes
	behind                           int64 // transactions
	oldest                           float64
	replicas                         int64
	lag                              float64
	replayLag                        int64
}

// Inspect asks the server how it is set up and how it fares. What the role may
// not see of other sessions counts as none.
func (s *Store) Inspect(ctx context.Context) (store.Inspection, error) {
	var at setup
	err := s.query(ctx, s.readSQL.inspect, nil, func(rows pgx.Rows) error {
		return rows.Scan(&at.version, &at.fsync, &at.commit, &at.standbys, &at.storage, &at.database, &at.behind, &at.oldest, &at.replicas, &at.lag, &at.replayLag)
	})
	if err != nil {
		return store.Inspection{}, err
	}
	details := map[string]string{
		"server_version":     at.version,
		"schema":             s.options.Schema,
		"pooler":             strconv.FormatBool(s.pool.pooled),
		"synchronous_commit": at.commit,
		"gathering":          strconv.FormatBool(!s.options.NoGather),
	}
	s.replicas.details(details)
	return store.Inspection{
		Durability: at.durability(),
		Details:    details,
		Figures:    slices.Concat(at.figures(), s.poolFigures(), s.tallies.figures(), s.replicas.figures()),
	}, nil
}

const inspectSQL = `
select current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit'), current_setting('synchronous_standby_names'),
	pg_total_relation_size(cast($entriesName as regclass)), pg_database_size(current_database()),
	(pg_snapshot_xmax(s.now)::text::numeric - pg_snapshot_xmin(s.now)::text::numeric)::bigint,
	coalesce((select extract(epoch from clock_timestamp() - min(a.xact_start)) from pg_stat_activity a where a.backend_xid is not null), 0)::float8,
	r.replicas, coalesce(r.lag, 0)::float8, coalesce(r.bytes, 0)::bigint
from (select pg_current_snapshot() as now) s,
	(select count(*) as replicas, extract(epoch from max(replay_lag)) as lag,
		max(pg_wal_lsn_diff(case when pg_is_in_recovery() then null else pg_current_wal_lsn() end, replay_lsn)) as bytes
	from pg_stat_replication) r`

// durability says what an acknowledged write survives (PostgreSQL's manual,
// synchronous_commit and fsync).
func (a *setup) durability() string {
	const kept = "an acknowledged write has been synced to the database server's disk, and survives a crash of larder, of the server and of its host"
	replicated := strings.TrimSpace(a.standbys) != ""
	switch {
	case a.fsync == "off":
		return "the server has fsync off: a crash of its host may lose acknowledged writes and destroy the database"
	case a.commit == "off":
		return "the server has synchronous_commit off: an acknowledged write survives a crash of larder, but one of the server may lose those of the last moments"
	case a.commit == "remote_apply" && replicated:
		return kept + "; it is on the synchronous standbys too, and can be read there"
	case a.commit == "remote_write" && replicated:
		return kept + "; the synchronous standbys have it in memory"
	case a.commit == "on" && replicated:
		return kept + "; it has been synced on the synchronous standbys too, and survives the loss of the server"
	}
	return kept
}

func (a *setup) figures() []store.Figure {
	return []store.Figure{
		{Name: "storage_bytes", Help: "Size of the entries with their indexes.", Value: float64(a.storage)},
		{Name: "database_bytes", Help: "Size of the database.", Value: float64(a.database)},
		{Name: "feed_lag_transactions", Help: "Transactions that the change feed holds back because an older one is running.", Value: float64(a.behind)},
		{Name: "feed_lag_seconds", Help: "Age of the oldest transaction that writes, as far as the role may see it.", Value: a.oldest},
		{Name: "replicas", Help: "Standbys that stream from the server.", Value: float64(a.replicas)},
		{Name: "replica_lag_seconds", Help: "How far the slowest standby is behind in replaying.", Value: a.lag},
		{Name: "replica_lag_bytes", Help: "WAL that the slowest standby has not replayed.", Value: float64(a.replayLag)},
	}
}

func (s *Store) poolFigures() []store.Figure {
	stat := s.pool.Stat()
	return []store.Figure{
		{Name: "connections_acquired", Help: "Connections in use.", Value: float64(stat.AcquiredConns())},
		{Name: "connections_idle", Help: "Connections that are open and unused.", Value: float64(stat.IdleConns())},
		{Name: "connections_max", Help: "Connections there can be.", Value: float64(stat.MaxConns())},
		{Name: "connections_opened_total", Help: "Connections made.", Value: float64(stat.NewConnsCount()), Counter: true},
		{Name: "connection_waits_total", Help: "Requests that had to wait for a connection.", Value: float64(stat.EmptyAcquireCount()), Counter: true},
		{Name: "connection_wait_seconds_total", Help: "Time that they waited.", Value: stat.EmptyAcquireWaitTime().Seconds(), Counter: true},
		{Name: "connection_timeouts_total", Help: "Requests that found no free connection in time.", Value: float64(s.tallies.exhausted.Load()), Counter: true},
	}
}

func (t *tallies) figures() []store.Figure {
	return []store.Figure{
		{Name: "commits_total", Help: "Transactions committed that wrote something.", Value: float64(t.commits.Load()), Counter: true},
		{Name: "commit_requests_total", Help: "Requests that those transactions carried.", Value: float64(t.requests.Load()), Counter: true},
		{Name: "written_entries_total", Help: "Entries and tombstones written.", Value: float64(t.entries.Load()), Counter: true},
		{Name: "repeated_transactions_total", Help: "Transactions done again, after a deadlock or a broken connection.", Value: float64(t.repeated.Load()), Counter: true},
		{Name: "outcomes_found_total", Help: "Commits whose reply was lost and whose outcome was found out.", Value: float64(t.lookedUp.Load()), Counter: true},
		{Name: "outcomes_unknown_total", Help: "Commits whose outcome was not found out.", Value: float64(t.unknown.Load()), Counter: true},
		{Name: "read_groups_total", Help: "Statements that read single entries for several requests at once.", Value: float64(t.readGroups.Load()), Counter: true},
		{Name: "read_requests_total", Help: "Requests that those statements carried.", Value: float64(t.reads.Load()), Counter: true},
		{Name: "reaped_total", Help: "Expired entries and old tombstones cleared up.", Value: float64(t.reaped.Load()), Counter: true},
	}
}
