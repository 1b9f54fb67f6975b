package pgstore

// getOfTableSQL reads entries of one table: first a row with the feed's horizon,
// the version that the table's new keys start above, and the clock; then one for
// each entry that is there. That is a good deal cheaper than to join the one to
// the others, and so is leaving out what a reader does not need.
const getOfTableSQL = `
select pg_snapshot_xmin(pg_current_snapshot()), null, (select f.floor from $tables f where f.table_name = $1), $now,
	null, null, null, null, null, null
union all
select null, e.key, e.version, e.created_at, e.updated_at, e.expires_at, e.metadata, e.deleted, e.value, e.bytes
from $entries e
where e.table_name = $1 and e.key = any ($2::text[])`

// getSQL reads entries of several tables: a row for each that was asked for,
// with the horizon, the clock, its table's version and its number before it.
const getSQL = `
select pg_snapshot_xmin(pg_current_snapshot()), $now, f.floor, i.n, $columns
from unnest($1::text[], $2::text[]) with ordinality as i (t, k, n)
left join $entries e on e.table_name = i.t and e.key = i.k
left join $tables f on f.table_name = i.t`
