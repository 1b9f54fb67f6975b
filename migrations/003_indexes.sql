-- Secondary indexes, each an expression index on storage_entries.
create table {{.schema}}.storage_indexes (
	table_name text collate "C" not null,
	name       text collate "C" not null,
	definition jsonb not null,
	relation   name not null unique, -- of the expression index, in this schema
	ready      boolean not null,     -- built, and used by queries
	primary key (table_name, name)
);

---- create above / drop below ----

-- With their list, the indexes go too.
do $down$
declare
	one name;
begin
	for one in select relation from {{.schema}}.storage_indexes loop
		execute format('drop index if exists %s.%I', $schema${{.schema}}$schema$, one);
	end loop;
end
$down$;

drop table {{.schema}}.storage_indexes;
