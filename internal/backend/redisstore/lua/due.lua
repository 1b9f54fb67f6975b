-- Finds what is to be cleared up: entries that have expired, and tombstones past
-- their retention. KEYS: the set of tables. ARGV: time, the beginning of the shard's
-- names, how long tombstones are kept, the most to give, and the only table to look
-- at, '' for all. Gives the table and the key of each.

local now = clock(ARGV[1])
local most = tonumber(ARGV[4])
local tables = ARGV[5] ~= '' and {ARGV[5]} or call('SMEMBERS', KEYS[1])
local out = {}
local function find(order, until_)
	for _, title in ipairs(tables) do
		local left = most - #out / 2
		if left <= 0 then return end
		local keys = call('ZRANGE', ARGV[2] .. order .. title, '-inf', text(until_), 'BYSCORE', 'LIMIT', '0', text(left))
		for _, key in ipairs(keys) do
			out[#out + 1] = title
			out[#out + 1] = key
		end
	end
end
find('x:', now)
find('d:', now - tonumber(ARGV[3]))
return out
