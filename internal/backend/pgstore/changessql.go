package pgstore

// everyTableSQL finds the names of all tables by jumps through the primary key,
// as the item names(name) of a recursive WITH. The last name is null.
const everyTableSQL = `names(name) as (
	(select e.table_name from $entries e order by e.table_name limit 1)
	union all
	select (select e.table_name from $entries e where e.table_name > n.name order by e.table_name limit 1)
	from names n where n.name is not null
)`

// Where the horizon has not moved, there is nothing to look for in any table.

// A page of the feed is one statement. Before the entry's own columns it gives
// the horizon, where the page ends, the storage's id, how far back deletions are forgotten, the
// clock, and when the server was started; where there are no changes it has one row with these alone. $1 is the
// table, $2 and $3 are the first position, $4 is how many, $5 the prefix, $6
// whether what is committed beyond the horizon is wanted too, $7 the clock.
const feedSQL = `
select h.xmin, h.ends, h.id, h.compacted, coalesce($7::timestamptz, statement_timestamp()), pg_postmaster_start_time(), e.*
from (
	select pg_snapshot_xmin(pg_current_snapshot()) as xmin, (select m.id from $meta m) as id,
		case when $6 then pg_snapshot_xmax(pg_current_snapshot()) else pg_snapshot_xmin(pg_current_snapshot()) end as ends,
		coalesce((select t.compacted from $tables t where t.table_name = $1), '0') as compacted
) h
left join lateral (
	select $columns from $entries e
	where e.table_name = $1 and (e.xid, e.sequence) >= ($2::xid8, $3::bigint) and e.xid < h.ends and starts_with(e.key, $5)
	order by e.xid, e.sequence limit $4
) e on true`

const feedOfAllSQL = `
with recursive $everyTable
select h.xmin, h.ends, h.id, h.compacted, coalesce($6::timestamptz, statement_timestamp()), pg_postmaster_start_time(), e.*
from (
	select pg_snapshot_xmin(pg_current_snapshot()) as xmin, (select m.id from $meta m) as id,
		case when $5 then pg_snapshot_xmax(pg_current_snapshot()) else pg_snapshot_xmin(pg_current_snapshot()) end as ends,
		coalesce((select t.compacted from $tables t order by t.compacted desc limit 1), '0') as compacted
) h
left join lateral (
	select e.* from names n
	cross join lateral (
		select $columns from $entries e
		where e.table_name = n.name and (e.xid, e.sequence) >= ($1::xid8, $2::bigint) and e.xid < h.ends and starts_with(e.key, $4)
		order by e.xid, e.sequence limit $3
	) e
	where n.name is not null and h.ends > $1::xid8
	order by e.xid, e.sequence limit $3
) e on true`

// The tailer looks which keys have changed: in these tables ($1), or in all,
// from a transaction on ($2), and at no more than so many of each table ($3).
// There is one row with the horizon alone where nothing has.
const pollSQL = `
select h.xmin, e.table_name, e.key, e.xid
from (select pg_snapshot_xmin(pg_current_snapshot()) as xmin) h
left join lateral (
	select e.* from unnest($1::text[]) as t (name)
	cross join lateral (
		select e.table_name, e.key, e.xid from $entries e
		where e.table_name = t.name and e.xid >= $2::xid8 and e.xid < h.xmin
		order by e.xid, e.sequence limit $3
	) e
) e on true`

const pollAllSQL = `
with recursive $everyTable
select h.xmin, e.table_name, e.key, e.xid
from (select pg_snapshot_xmin(pg_current_snapshot()) as xmin) h
left join lateral (
	select e.* from names n
	cross join lateral (
		select e.table_name, e.key, e.xid from $entries e
		where e.table_name = n.name and e.xid >= $1::xid8 and e.xid < h.xmin
		order by e.xid, e.sequence limit $2
	) e
	where n.name is not null and h.xmin > $1::xid8
) e on true`
