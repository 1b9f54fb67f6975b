-- Adds entries to an index that is being built. One that has changed since it was read
-- is passed over: whoever wrote it knew of the index, and has put it in.
--
-- KEYS: the table's state, the index's sorted set, then the entries.
-- ARGV: time; the generation of the table's indexes that the caller knows; what the
-- names of entries begin with; then for each entry its version and sequence as they
-- were read, its member, and the fields that no other entry may have, '' for any.
--
-- Gives {'ok'}, {'indexes'}, or {'taken', number of the entry, the other's key}: the
-- entries before that have been added then.

local now = clock(ARGV[1])
local state = call('GET', KEYS[1])
if (state and sub(state, 1, 8) or ZERO8) ~= ARGV[2] then return {'indexes'} end
for i = 1, #KEYS - 2 do
	local at = 3 * i + 1
	local entry, fields = KEYS[2 + i], ARGV[at + 2]
	local record = call('GET', entry)
	if record and sub(record, 2, 17) == ARGV[at] then
		if fields ~= '' and exists(record, now) then
			local other = holder(KEYS[2], fields, sub(entry, #ARGV[3] + 1), ARGV[3], now, {})
			if other then return {'taken', i, other} end
		end
		call('ZADD', KEYS[2], '0', ARGV[at + 1])
	end
end
return {'ok'}
