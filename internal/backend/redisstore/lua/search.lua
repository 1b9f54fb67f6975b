-- Reads a part of what may match a query, at one moment.
--
-- KEYS: the sequence; the table's state; the sorted set to follow, which is that of the
-- keys or an index.
-- ARGV: time; the generation of the table's indexes that the caller knows; what the
-- names of entries begin with; "keys" or "index"; how many to give; how many to look at;
-- how many bytes to give; "all" to give what has expired too; then spans of the set to
-- go through one after the other, of each "up" or "down" and its bounds.
--
-- Gives {'indexes'}, or the time, the sequence, the number of the span to go on in, 0 for
-- the end, the member that was looked at last, and for each entry its key and record.

local now = clock(ARGV[1])
local state = call('GET', KEYS[2])
if (state and sub(state, 1, 8) or ZERO8) ~= ARGV[2] then return {'indexes'} end
local set, beginning, byIndex = KEYS[3], ARGV[3], ARGV[4] == 'index'
local most, looks, bytes = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local all = ARGV[8] == 'all'
local CHUNK = 250

local out, given = {text(now), call('GET', KEYS[1]) or '0', '0', ''}, 0

local function room() return math.min(CHUNK, looks, most - given) end
local function fieldsOf(member) return sub(member, 1, unpack8('>I2', member, #member - 1)) end

-- Whether to go on.
local function visit(member)
	local key = member
	if byIndex then key = sub(member, unpack8('>I2', member, #member - 1) + 1, -4) end
	local record = call('GET', beginning .. key)
	if record and (all or exists(record, now)) then
		out[#out + 1] = key
		out[#out + 1] = record
		given = given + 1
		bytes = bytes - #record
	end
	looks = looks - 1
	out[4] = member
	return given < most and looks > 0 and bytes > 0
end

local function up(low, high)
	while true do
		local limit = room()
		local members = call('ZRANGE', set, low, high, 'BYLEX', 'LIMIT', '0', text(limit))
		for _, member in ipairs(members) do
			if not visit(member) then return false end
		end
		if #members < limit then return true end
		low = '(' .. members[#members]
	end
end

-- From the highest fields to the lowest, but among members that have the same from the
-- lowest key to the highest, as queries are sorted.
local function down(low, high)
	while true do
		local limit = room()
		local members = call('ZRANGE', set, high, low, 'BYLEX', 'REV', 'LIMIT', '0', text(limit))
		local first = 1
		while first <= #members do
			local fields, last = fieldsOf(members[first]), first
			while last < #members and fieldsOf(members[last + 1]) == fields do last = last + 1 end
			if last == #members and #members == limit then -- there may be more of the same
				if not up('[' .. fields, '(' .. fields .. '\255') then return false end
			else
				for i = last, first, -1 do
					if not visit(members[i]) then return false end
				end
			end
			high = '(' .. fields
			first = last + 1
		end
		if #members < limit then return true end
	end
end

for at = 9, #ARGV, 3 do
	local go = ARGV[at] == 'up' and up or down
	if not go(ARGV[at + 1], ARGV[at + 2]) then
		out[3] = text((at - 6) / 3)
		break
	end
end
return out
