-- Reads what has changed in a table since something else was read, at one moment and in
-- the order of change.
--
-- KEYS: the table's state, its keys by their last write.
-- ARGV: time; the generation of the table's indexes that the caller knows; what the
-- names of entries begin with; the sequence to begin after; how many to give; how many
-- bytes to give.
--
-- Gives {'indexes'}, or the time, the sequence up to which deletions have been forgotten,
-- the sequence that was looked at last, "end" or "more", and for each key its record, or
-- nothing.

local now = clock(ARGV[1])
local state = call('GET', KEYS[1])
if (state and sub(state, 1, 8) or ZERO8) ~= ARGV[2] then return {'indexes'} end
local most, bytes = tonumber(ARGV[5]), tonumber(ARGV[6])

local out = {text(now), text(state and unpack8('>i8', state, 17) or 0), ARGV[4], 'end'}
local changed = call('ZRANGE', KEYS[2], '(' .. ARGV[4], '+inf', 'BYSCORE', 'LIMIT', '0', text(most), 'WITHSCORES')
for i = 1, #changed, 2 do
	local record = call('GET', ARGV[3] .. changed[i])
	out[3] = text(tonumber(changed[i + 1]))
	out[#out + 1] = changed[i]
	out[#out + 1] = record
	bytes = bytes - (record and #record or 0)
	if bytes <= 0 then
		if i + 1 < #changed then out[4] = 'more' end
		return out
	end
end
if #changed == 2 * most then out[4] = 'more' end
return out
