package pgstore

// Both give, before the entry's own columns, the feed's horizon, the clock, and
// the version that new keys of the table start above.

// getOfTableSQL reads entries of one table: first a row with those three, then
// one for each that is there. That is a good deal cheaper than to join the one
// to the others.
const getOfTableSQL = `
select pg_snapshot_xmin(pg_current_snapshot()), $now, (select f.floor from $tables f where f.table_name = $1),
	null, null, null, null, null, null, null, null, null, null, null, null
union all
select null, null, null, $columns
from $entries e
where e.table_name = $1 and e.key = any ($2::text[])`

// getSQL reads entries of several tables: a row for each that was asked for,
// with its number.
const getSQL = `
select pg_snapshot_xmin(pg_current_snapshot()), $now, f.floor, i.n, $columns
from unnest($1::text[], $2::text[]) with ordinality as i (t, k, n)
left join $entries e on e.table_name = i.t and e.key = i.k
left join $tables f on f.table_name = i.t`
