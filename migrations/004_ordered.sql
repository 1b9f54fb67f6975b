-- Gives bytes that sort as larder sorts JSON values: null, false, true, numbers
-- by value, strings by their UTF-8, arrays element by element, objects member by
-- member in the order of names; each after what is its beginning.
--
-- Every value begins with a byte for its kind. A number goes on with its sign,
-- its decimal exponent and its digits, of which a negative one has the nines'
-- complement, and with a byte that sorts before the digits, or after. A string, an
-- array and an object end with a byte that sorts before all that could stand there.
create function {{.schema}}.storage_ordered(v jsonb) returns bytea
	language plpgsql immutable strict parallel safe
as $function$
declare
	kind text := jsonb_typeof(v);
	n numeric;
	whole text;
	part text;
	digits text;
	exponent integer;
begin
	case kind
	when 'null' then
		return '\x02';
	when 'boolean' then
		return case when v = 'true' then '\x04'::bytea else '\x03'::bytea end;
	when 'string' then
		return '\x06'::bytea || convert_to(v #>> '{}', 'UTF8') || '\x00'::bytea;
	when 'array' then
		return '\x07'::bytea || coalesce((
			select string_agg({{.schema}}.storage_ordered(a.element), ''::bytea order by a.place)
			from jsonb_array_elements(v) with ordinality as a (element, place)), ''::bytea) || '\x00'::bytea;
	when 'object' then
		return '\x08'::bytea || coalesce((
			select string_agg('\x01'::bytea || convert_to(o.name, 'UTF8') || '\x00'::bytea || {{.schema}}.storage_ordered(o.member), ''::bytea order by o.name collate "C")
			from jsonb_each(v) as o (name, member)), ''::bytea) || '\x00'::bytea;
	else
		n := v::numeric;
		if n = 0 then
			return '\x0502';
		end if;
		digits := abs(n)::text;
		whole := ltrim(split_part(digits, '.', 1), '0');
		part := split_part(digits, '.', 2);
		if whole = '' then
			digits := ltrim(part, '0');
			exponent := length(digits) - length(part);
		else
			digits := whole || part;
			exponent := length(whole);
		end if;
		digits := lpad((exponent + 1000)::text, 4, '0') || rtrim(digits, '0');
		if n > 0 then
			return '\x0503'::bytea || convert_to(digits, 'UTF8') || '\x00'::bytea;
		end if;
		return '\x0501'::bytea || convert_to(translate(digits, '0123456789', '9876543210'), 'UTF8') || '\xff'::bytea;
	end case;
end
$function$;

---- create above / drop below ----

drop function {{.schema}}.storage_ordered(jsonb);
