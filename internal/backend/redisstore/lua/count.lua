-- Counts a table's entries, or what an index has within spans, without reading them.
--
-- KEYS: the table's state; the sorted set of the keys or of an index; the keys by the
-- end of their life.
-- ARGV: time; the generation of the table's indexes that the caller knows; what the
-- names of entries begin with; how many that have expired to give at most, and how many
-- bytes of them; then the bounds of each span of an index.
--
-- Gives {'indexes'}, or the time, how many there are, "end" or "more", and those that
-- have expired and have not been cleared up, of each its key and record: the caller is to
-- see whether they have been counted. Of the table they have not been.

local now = text(clock(ARGV[1]))
local state = call('GET', KEYS[1])
if (state and sub(state, 1, 8) or ZERO8) ~= ARGV[2] then return {'indexes'} end
if #ARGV == 5 then
	return {now, text(call('ZCARD', KEYS[2]) - call('ZCOUNT', KEYS[3], '-inf', now)), 'end'}
end
local count = 0
for i = 6, #ARGV, 2 do count = count + call('ZLEXCOUNT', KEYS[2], ARGV[i], ARGV[i + 1]) end
local out, bytes = {now, text(count), 'end'}, tonumber(ARGV[5])
local expired = call('ZRANGE', KEYS[3], '-inf', now, 'BYSCORE', 'LIMIT', '0', text(tonumber(ARGV[4]) + 1))
for i, key in ipairs(expired) do
	local record = call('GET', ARGV[3] .. key)
	if i > tonumber(ARGV[4]) or bytes <= 0 then
		out[3] = 'more'
		break
	end
	out[#out + 1] = key
	out[#out + 1] = record
	bytes = bytes - (record and #record or 0)
end
return out
