package pgstore

// dueTablesSQL finds the tables that have expired entries, $1 if it is not "",
// by jumps through the order of expiry.
const dueTablesSQL = `
with recursive names(name) as (
	(select e.table_name from $entries e where e.expires_at is not null order by e.table_name limit 1)
	union all
	select (select e.table_name from $entries e where e.expires_at is not null and e.table_name > n.name order by e.table_name limit 1)
	from names n where n.name is not null
)
select n.name from names n
where n.name is not null and ($1 = '' or n.name = $1)
	and exists (select from $entries e where e.table_name = n.name and e.expires_at <= coalesce($2::timestamptz, statement_timestamp()))`

// entombSQL makes tombstones of expired entries. It passes over rows that
// somebody has locked, and so waits for nobody.
const entombSQL = `
with due as materialized (
	select e.key from $entries e
	where e.table_name = $1 and e.expires_at <= $now
	order by e.expires_at, e.key limit $4
	for update skip locked
), numbered as (select d.key, row_number() over (order by d.key) as n from due d)
update $entries e set
	value = null, bytes = null, metadata = null, created_at = null, expires_at = null, deleted = true,
	version = e.version + 1, updated_at = greatest(e.updated_at, $now),
	xid = pg_current_xact_id(), sequence = $2::bigint + 2 * d.n
from numbered d
where e.table_name = $1 and e.key = d.key
returning e.xid, e.key, e.sequence`

// oldTombstonesSQL asks whether there are tombstones older than $4 µs, and whether
// one can go.
// One that readers of the feed can't have seen yet has to stay: ready is then
// false.
const oldTombstonesSQL = `
select t.xid < pg_snapshot_xmin(pg_current_snapshot()) as ready
from (
	select e.xid from $entries e
	where e.deleted and e.updated_at <= coalesce($1::timestamptz, statement_timestamp()) - $4 * interval '1 microsecond' and ($2 = '' or e.table_name = $2)
	order by e.updated_at limit $3
) t
order by ready desc limit 1`

// forgetSQL removes tombstones, and has their tables remember what has to be
// known of them: above which version new keys start, and which part of the feed
// is no longer whole.
const forgetSQL = `
with old as materialized (
	select e.table_name, e.key from $entries e
	where e.deleted and e.updated_at <= coalesce($1::timestamptz, statement_timestamp()) - $4 * interval '1 microsecond' and ($2 = '' or e.table_name = $2)
	order by e.updated_at limit $3
), gone as (
	delete from $entries e using old o
	where e.table_name = o.table_name and e.key = o.key and e.xid < pg_snapshot_xmin(pg_current_snapshot())
	returning e.table_name, e.version, e.xid
), kept as (
	insert into $tables as t (table_name, floor, compacted)
	select g.table_name, max(g.version), (array_agg(g.xid order by g.xid desc))[1]
	from gone g group by g.table_name order by g.table_name
	on conflict (table_name) do update set
		floor = greatest(t.floor, excluded.floor), compacted = greatest(t.compacted, excluded.compacted)
	returning 1
)
select (select count(*) from gone), (select count(*) from kept)`
