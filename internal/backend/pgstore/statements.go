package pgstore

import (
	"strings"

	"github.com/jackc/pgx/v5"
)

// statements are the SQL texts that are used again and again, with the schema's
// name in them.
type statements struct {
	entries, tables, indexes, meta string // the tables' full names

	upsert, placehold, lock, look, update, insert, unplace, vacate, install string

	readIndexes, strayIndexes, vacateOlder string

	ordered string // the function that puts arrays and objects in order
}

func newStatements(schema string) statements {
	in := func(table string) string { return pgx.Identifier{schema, table}.Sanitize() }
	s := statements{
		entries: in("storage_entries"), tables: in("storage_tables"),
		indexes: in("storage_indexes"), meta: in("storage_meta"),
	}
	names := strings.NewReplacer(
		"$entries", s.entries, "$tables", s.tables, "$indexes", s.indexes, "$columns", columns,
		"$written", "table_name, key, value, bytes, version, created_at, updated_at, expires_at, metadata, deleted, xid, sequence",
	)
	s.upsert = names.Replace(upsertSQL)
	s.placehold = names.Replace(placeholdSQL)
	s.lock = names.Replace(lockSQL)
	s.look = names.Replace(lookSQL)
	s.update = names.Replace(updateSQL)
	s.insert = names.Replace(insertSQL)
	s.unplace = names.Replace(unplaceSQL)
	s.vacate = names.Replace(vacateSQL)
	s.install = names.Replace(installSQL)
	s.readIndexes = names.Replace(readIndexesSQL)
	s.strayIndexes = names.Replace(strayIndexesSQL)
	s.vacateOlder = names.Replace(vacateOlderSQL)
	s.ordered = in("storage_ordered")
	return s
}

// upsertSQL does plain puts. An entry that is alive keeps its creation, and
// updates never go back in time; a tombstone and what has expired begin anew,
// and so does what was never there, above the version that the table remembers.
// The lowest bit of the sequence says that an entry was alive.
const upsertSQL = `
with clock as materialized (select coalesce($8::timestamptz, clock_timestamp()) as now)
insert into $entries as e ($written)
select i.t, i.k, i.v::jsonb, i.b, coalesce(f.floor, 0) + 1,
	clock.now, clock.now, clock.now + i.ttl * interval '1 microsecond', i.m::jsonb, false, pg_current_xact_id(), $7::bigint + 2 * i.n
from clock
cross join unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::bigint[], $6::text[]) with ordinality as i (t, k, v, b, ttl, m, n)
left join $tables f on f.table_name = i.t
order by i.n
on conflict (table_name, key) do update set
	value = excluded.value, bytes = excluded.bytes, version = e.version + 1,
	created_at = case when not e.deleted and coalesce(e.expires_at > excluded.updated_at, true) then e.created_at else excluded.created_at end,
	updated_at = case when not e.deleted and coalesce(e.expires_at > excluded.updated_at, true) then greatest(e.updated_at, excluded.updated_at) else excluded.updated_at end,
	expires_at = excluded.expires_at, metadata = excluded.metadata, deleted = false, xid = excluded.xid,
	sequence = excluded.sequence + case when not e.deleted and coalesce(e.expires_at > excluded.updated_at, true) then 1 else 0 end
returning e.sequence, e.version, e.created_at, e.updated_at, e.expires_at, e.xid`

// placeholdSQL locks rows in their order, and first makes those that are not
// there, with version 0: nobody else can then make them. DO UPDATE locks also
// what its WHERE leaves alone.
const placeholdSQL = `
insert into $entries as e (table_name, key, version, updated_at, deleted, xid, sequence)
select i.t, i.k, 0, clock_timestamp(), true, pg_current_xact_id(), 0
from unnest($1::text[], $2::text[]) as i (t, k)
on conflict (table_name, key) do update set version = e.version where false`

// lockSQL reads rows and locks them in their order.
const lockSQL = `
select $columns, i.n
from unnest($1::text[], $2::text[]) with ordinality as i (t, k, n)
join $entries e on e.table_name = i.t and e.key = i.k
order by i.n
for update of e`

// lookSQL reads, once all is locked, the clock, the transaction's id, and the
// versions above which the tables' new keys start.
const lookSQL = `
select coalesce($2::timestamptz, clock_timestamp()), pg_current_xact_id(), f.table_name, f.floor
from (values (1)) as one
left join $tables f on f.table_name = any ($1::text[])`

// writtenRows are entries as they are to stand, from ten arrays.
const writtenRows = `unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::bigint[], $6::timestamptz[], $7::timestamptz[], $8::timestamptz[], $9::text[], $10::boolean[])
	with ordinality as i (t, k, v, b, version, created, updated, expires, m, deleted, n)`

const updateSQL = `
update $entries as e set
	value = i.v::jsonb, bytes = i.b, version = i.version, created_at = i.created, updated_at = i.updated, expires_at = i.expires,
	metadata = i.m::jsonb, deleted = i.deleted, xid = pg_current_xact_id(), sequence = $11::bigint + 2 * i.n
from ` + writtenRows + `
where e.table_name = i.t and e.key = i.k`

const insertSQL = `
insert into $entries ($written)
select i.t, i.k, i.v::jsonb, i.b, i.version, i.created, i.updated, i.expires, i.m::jsonb, i.deleted, pg_current_xact_id(), $11::bigint + 2 * i.n
from ` + writtenRows

// unplaceSQL removes what placeholdSQL made and nothing was written to.
const unplaceSQL = `
delete from $entries e
using unnest($1::text[], $2::text[]) as i (t, k)
where e.table_name = i.t and e.key = i.k and e.version = 0`

// vacateSQL takes rows out of all secondary indexes, for what is written next to
// find only others there.
const vacateSQL = `
update $entries as e set deleted = true
from unnest($1::text[], $2::text[]) as i (t, k)
where e.table_name = i.t and e.key = i.k`

// installSQL takes over what is newer than what there is.
const installSQL = `
insert into $entries as e ($written)
select i.t, i.k, i.v::jsonb, i.b, i.version, i.created, i.updated, i.expires, i.m::jsonb, i.deleted, pg_current_xact_id(), $11::bigint + 2 * i.n
from ` + writtenRows + `
on conflict (table_name, key) do update set
	value = excluded.value, bytes = excluded.bytes, version = excluded.version, created_at = excluded.created_at,
	updated_at = excluded.updated_at, expires_at = excluded.expires_at, metadata = excluded.metadata,
	deleted = excluded.deleted, xid = excluded.xid, sequence = excluded.sequence
where e.version < excluded.version or e.version = excluded.version and e.deleted and not excluded.deleted
returning e.sequence, e.xid`
