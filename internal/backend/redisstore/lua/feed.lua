-- Reads a stretch of a shard's feed, at one moment.
--
-- KEYS: sequence, meta and tables of the shard.
-- ARGV: the beginning of the shard's names; the table, '' for all; the sequence to
-- begin after; a sequence that the shard's is brought up to, '' for none; how many
-- to look at; how many bytes to give; prefix of the keys; "names" to give no records,
-- "heads" to give them without their values; time.
--
-- Gives the shard's id, its last sequence, the sequence up to which deletions have
-- been forgotten, the one up to which all has been looked at, the time, and for each
-- change the table, the key and the record.

local base, after, most, bytes = ARGV[1], ARGV[3], tonumber(ARGV[5]), tonumber(ARGV[6])
local prefix, names, heads = ARGV[7], ARGV[8] == 'names', ARGV[8] == 'heads'

-- head is a record without its value.
local function head(name)
	local begins = call('GETRANGE', name, '0', '42')
	if begins == '' or byte(begins, 1) % 2 == 1 then return begins end
	if byte(begins, 1) % 8 < 4 then return sub(begins, 1, 41) end
	return call('GETRANGE', name, '0', text(42 + byte(begins, 42) * 256 + byte(begins, 43)))
end

local last = call('GET', KEYS[1]) or '0'
if ARGV[4] ~= '' and tonumber(last) < tonumber(ARGV[4]) then
	last = ARGV[4]
	call('SET', KEYS[1], last)
end

local forgotten, found = 0, {}
local tables = {}
if tonumber(last) > tonumber(after) then -- else there is nothing, and nothing forgotten
	tables = ARGV[2] ~= '' and {ARGV[2]} or call('SMEMBERS', KEYS[3])
end
for _, title in ipairs(tables) do
	local state = call('GET', base .. 't:' .. title)
	if state then forgotten = math.max(forgotten, (unpack8('>i8', state, 17))) end
	local changed = call('ZRANGE', base .. 'c:' .. title, '(' .. after, '+inf', 'BYSCORE', 'LIMIT', '0', text(most), 'WITHSCORES')
	for i = 1, #changed, 2 do
		found[#found + 1] = {tonumber(changed[i + 1]), title, changed[i]}
	end
end
table.sort(found, function(a, b) return a[1] < b[1] end)

local out = {call('HGET', KEYS[2], 'id'), last, text(forgotten), last, text(clock(ARGV[9]))}
for i, change in ipairs(found) do
	if i > most or bytes <= 0 then break end
	local title, key = change[2], change[3]
	if sub(key, 1, #prefix) == prefix then
		local name = base .. 'e:' .. title .. ':' .. key
		local record = not names and (heads and head(name) or not heads and call('GET', name))
		if record and record ~= '' or names then
			out[#out + 1] = title
			out[#out + 1] = key
			out[#out + 1] = record
			if record then bytes = bytes - #record end
		end
	end
	if i == most or bytes <= 0 then out[4] = text(change[1]) end
end
return out
