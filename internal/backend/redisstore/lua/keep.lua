-- Keeps copies of another store's entries, each unless a newer one is there.
-- KEYS: the copies'. ARGV: for each its new content (copies.go), and how long it is
-- kept, in ms.

-- Whether the first of two big-endian numbers is the greater, or neither is.
local function compare(a, b)
	for at = 1, 5, 4 do
		local x, y = unpack8('>I4', a, at), unpack8('>I4', b, at)
		if x ~= y then return x > y and 1 or -1 end
	end
	return 0
end

for i, name in ipairs(KEYS) do
	local new, old = ARGV[2 * i - 1], call('GETRANGE', name, '0', '24')
	local keep = #old < 25 or sub(old, 1, 8) ~= sub(new, 1, 8)
	if not keep then
		local by = compare(sub(new, 18, 25), sub(old, 18, 25))
		keep = by > 0 or by == 0 and compare(sub(new, 9, 16), sub(old, 9, 16)) > 0
	end
	if keep then call('SET', name, new, 'PX', ARGV[2 * i]) end
end
return redis.status_reply('OK')
