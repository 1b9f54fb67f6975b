-- Counts what tables hold. KEYS: the set of tables. ARGV: time, the beginning of the
-- shard's names. Gives for each table its name, how many entries it has that have
-- not expired, and how many keys it knows.

local now = text(clock(ARGV[1]))
local out = {}
for _, title in ipairs(call('SMEMBERS', KEYS[1])) do
	local known = call('ZCARD', ARGV[2] .. 'c:' .. title)
	if known > 0 then
		out[#out + 1] = title
		out[#out + 1] = call('ZCARD', ARGV[2] .. 'k:' .. title) - call('ZCOUNT', ARGV[2] .. 'x:' .. title, '-inf', now)
		out[#out + 1] = known
	end
end
return out
