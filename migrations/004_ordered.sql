-- Gives bytes that sort as larder sorts JSON values: null, false, true, numbers
-- by value, strings by their UTF-8, arrays element by element, objects member by
-- member in the order of names; each after what is its beginning.
--
-- Every value begins with a byte for its kind. A number goes on with its sign,
-- its decimal exponent and its digits, of which a negative one has the nines'
-- complement, and with a byte that sorts before the digits, or after. A string, an
-- array and an object end with a byte that sorts before all that could stand there.
--
-- What is nested is put on a stack, not into a call: values may be nested deeper
-- than calls.
create function {{.schema}}.storage_ordered(v jsonb) returns bytea
	language plpgsql immutable strict parallel safe
as $function$
declare
	-- The stack: bytes to be written, or where they are null a value.
	bytes bytea[] := array[null::bytea];
	parts jsonb[] := array[v];
	top integer := 1;
	-- What has been written.
	written bytea[];
	count integer := 0;

	part jsonb;
	piece bytea;
	inner_name text;
	inner_part jsonb;
	n numeric;
	whole text;
	fraction text;
	digits text;
	exponent integer;
begin
	while top > 0 loop
		piece := bytes[top];
		part := parts[top];
		top := top - 1;
		if piece is null then
			case jsonb_typeof(part)
			when 'null' then
				piece := '\x02';
			when 'boolean' then
				piece := case when part = 'true' then '\x04'::bytea else '\x03'::bytea end;
			when 'string' then
				piece := '\x06'::bytea || convert_to(part #>> '{}', 'UTF8') || '\x00'::bytea;
			when 'array' then
				piece := '\x07';
				top := top + 1;
				bytes[top] := '\x00'::bytea;
				for inner_part in
					select a.element from jsonb_array_elements(part) with ordinality as a (element, place) order by a.place desc
				loop
					top := top + 1;
					bytes[top] := null;
					parts[top] := inner_part;
				end loop;
			when 'object' then
				piece := '\x08';
				top := top + 1;
				bytes[top] := '\x00'::bytea;
				for inner_name, inner_part in
					select o.name, o.member from jsonb_each(part) as o (name, member) order by o.name collate "C" desc
				loop
					top := top + 2;
					bytes[top - 1] := null;
					parts[top - 1] := inner_part;
					bytes[top] := '\x01'::bytea || convert_to(inner_name, 'UTF8') || '\x00'::bytea;
				end loop;
			else
				n := part::numeric;
				if n = 0 then
					piece := '\x0502';
				else
					digits := abs(n)::text;
					whole := ltrim(split_part(digits, '.', 1), '0');
					fraction := split_part(digits, '.', 2);
					if whole = '' then
						digits := ltrim(fraction, '0');
						exponent := length(digits) - length(fraction);
					else
						digits := whole || fraction;
						exponent := length(whole);
					end if;
					digits := lpad((exponent + 1000)::text, 4, '0') || rtrim(digits, '0');
					if n > 0 then
						piece := '\x0503'::bytea || convert_to(digits, 'UTF8') || '\x00'::bytea;
					else
						piece := '\x0501'::bytea || convert_to(translate(digits, '0123456789', '9876543210'), 'UTF8') || '\xff'::bytea;
					end if;
				end if;
			end case;
		end if;
		count := count + 1;
		written[count] := piece;
	end loop;
	return (select string_agg(w.piece, ''::bytea order by w.place) from unnest(written) with ordinality as w (piece, place));
end
$function$;

---- create above / drop below ----

drop function {{.schema}}.storage_ordered(jsonb);
