-- Every entry of every table, tombstones among them.
create table {{.schema}}.storage_entries (
	table_name text collate "C" not null,
	key        text collate "C" not null,
	value      jsonb,                -- null: opaque bytes, or a tombstone
	bytes      bytea,                -- opaque bytes
	version    bigint not null,
	created_at timestamptz,          -- null: not known
	updated_at timestamptz not null,
	expires_at timestamptz,          -- null: never
	metadata   jsonb,                -- null: none
	deleted    boolean not null,
	xid        xid8 not null,        -- of the transaction that wrote this
	sequence   bigint not null,      -- orders what one transaction wrote
	primary key (table_name, key)
);

-- The change feed's order.
create index storage_entries_changes on {{.schema}}.storage_entries (table_name, xid, sequence);

-- What expires when.
create index storage_entries_expiry on {{.schema}}.storage_entries (table_name, expires_at, key)
	where expires_at is not null;

-- Tombstones by age.
create index storage_entries_tombstones on {{.schema}}.storage_entries (updated_at)
	where deleted;

---- create above / drop below ----

drop table {{.schema}}.storage_entries;
