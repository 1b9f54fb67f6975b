-- Tables that have lost tombstones. A table that has not is no row here.
create table {{.schema}}.storage_tables (
	table_name text collate "C" primary key,
	floor      bigint not null,      -- versions of new keys start above it
	compacted  xid8 not null         -- the feed knows nothing at or before it
);

-- One row, which tells this storage from its copies.
create table {{.schema}}.storage_meta (
	id                text not null, -- part of the feed's cursors
	system_identifier bigint not null,
	singleton         boolean not null default true primary key check (singleton)
);

insert into {{.schema}}.storage_meta (id, system_identifier)
select left(replace(gen_random_uuid()::text, '-', ''), 12), system_identifier from pg_control_system();

---- create above / drop below ----

drop table {{.schema}}.storage_meta;
drop table {{.schema}}.storage_tables;
