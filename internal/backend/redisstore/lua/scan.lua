-- Reads a stretch of a table's entries, at one moment.
--
-- KEYS: the order to follow.
-- ARGV: time; what the names of entries begin with; "key", "change" or "expiry"; how
-- many to give; how many to look at; how many bytes to give; prefix of the keys;
-- "keys" to leave values out; then
--   by key:    the first and the last place, "rev" to go backwards, the delimiter;
--   by change: the sequence to begin after, the time before which nothing counts;
--   by expiry: the time and the key to begin after, the time from which nothing counts.
--
-- Gives the time, "end" or the place that was looked at last, and for each entry its
-- key and record; for keys that are rolled up what they have in common, and nothing.

local now = clock(ARGV[1])
local set, beginning, order = KEYS[1], ARGV[2], ARGV[3]
local most, looks, bytes = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local prefix, keysOnly = ARGV[7], ARGV[8] == 'keys'
local CHUNK = 250

local out, given = {text(now), 'end'}, 0
local function give(key, record)
	out[#out + 1] = key
	out[#out + 1] = record
	given = given + 1
	if record then bytes = bytes - #record end
end

-- Whether the stretch has to end here.
local function spent()
	looks = looks - 1
	return given >= most or looks <= 0 or bytes <= 0
end

local function shown(record)
	if not keysOnly then return record end
	local value = 42
	if has(record, METADATA) then value = 44 + unpack8('>I2', record, 42) end
	return sub(record, 1, value - 1)
end

local function byKey(low, high, backwards, delimiter)
	local options = {'BYLEX', 'LIMIT', '0', text(CHUNK)}
	if backwards then options = {'BYLEX', 'REV', 'LIMIT', '0', text(CHUNK)} end
	while true do
		local keys = backwards and call('ZRANGE', set, high, low, unpack(options)) or call('ZRANGE', set, low, high, unpack(options))
		local rolled
		for _, key in ipairs(keys) do
			local record = call('GET', beginning .. key)
			local place = key
			if exists(record, now) then
				local from, to
				if delimiter ~= '' then from, to = string.find(key, delimiter, #prefix + 1, true) end
				if from then
					rolled = sub(key, 1, to)
					give(rolled, false)
					place = backwards and rolled or rolled .. '\255'
				else
					give(key, shown(record))
				end
			end
			if backwards then high = '(' .. place else low = '(' .. place end
			if spent() then
				out[2] = place
				return
			end
			if rolled then break end
		end
		if not rolled and #keys < CHUNK then return end
	end
end

-- Follows an order by score from a rank on; visit says whether an entry counts, and
-- nil that all that follow don't.
local function follow(rank, place, visit)
	while true do
		local keys = call('ZRANGE', set, text(rank), text(rank + CHUNK - 1))
		for _, key in ipairs(keys) do
			local record = sub(key, 1, #prefix) == prefix and call('GET', beginning .. key)
			local counts = true
			if record then
				counts = visit(record)
				if counts == nil then return end
				if counts and exists(record, now) then give(key, shown(record)) end
			end
			if spent() then
				out[2] = place(key, record)
				return
			end
		end
		if #keys < CHUNK then return end
		rank = rank + CHUNK
	end
end

if order == 'key' then
	byKey(ARGV[9], ARGV[10], ARGV[11] == 'rev', ARGV[12])
elseif order == 'change' then
	local since = tonumber(ARGV[10])
	follow(call('ZCOUNT', set, '-inf', ARGV[9]), function(key) return text(call('ZSCORE', set, key)) end,
		function(record) return updated(record) >= since end)
else
	local after, before = tonumber(ARGV[9]), tonumber(ARGV[11])
	local rank
	if after <= now then
		rank = call('ZCOUNT', set, '-inf', text(now))
	else
		local score = call('ZSCORE', set, ARGV[10])
		if score and tonumber(score) == after then
			rank = call('ZRANK', set, ARGV[10]) + 1
		else -- that key is gone; the caller passes over those before it
			rank = call('ZCOUNT', set, '-inf', '(' .. text(after))
		end
	end
	follow(rank, function(key) return text(call('ZSCORE', set, key)) .. ':' .. key end,
		function(record)
			if expires(record) >= before then return nil end
			return true
		end)
end
return out
