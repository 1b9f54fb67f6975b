-- Adds entries to an index that is being built. One that has changed since it was read
-- is passed over: whoever wrote it knew of the index, and has put it in.
--
-- KEYS: the table's state, the hash of its indexes, the index's sorted set, a key that is
-- never there (layout.go), then the entries.
-- ARGV: time; the generation of the table's indexes that the caller knows; the index's
-- name, what it is known to be, and what it is to be, which say how far its building has
-- come; what the names of entries begin with; then for each entry its version and
-- sequence as they were read, its member, and the fields that no other entry may have,
-- '' for any.
--
-- Gives {'ok'}, {'moved'}, or {'taken', number of the entry, the other's key}: the
-- entries before that have been added then.

local now = clock(ARGV[1])
local state, set, beginning = call('GET', KEYS[1]), KEYS[3], ARGV[6]
if (state and sub(state, 1, 8) or ZERO8) ~= ARGV[2] then return {'moved'} end
if call('HGET', KEYS[2], ARGV[3]) ~= ARGV[4] then return {'moved'} end
for i = 1, #KEYS - 4 do
	local at = 4 + 3 * i
	local entry, fields = KEYS[4 + i], ARGV[at + 2]
	local record = call('GET', entry)
	if record and sub(record, 2, 17) == ARGV[at] then
		if fields ~= '' and exists(record, now) then
			local other = holder(set, fields, sub(entry, #beginning + 1), beginning, now, {})
			if other then return {'taken', i, other} end
		end
		call('ZADD', set, '0', ARGV[at + 1])
	end
end
call('HSET', KEYS[2], ARGV[3], ARGV[5])
return {'ok'}
