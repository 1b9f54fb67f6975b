-- Writes what the caller has evaluated, if all that it has read still stands.
--
-- KEYS: as lua/orders.lua has them, then the entries, then the indexes' sorted
-- sets.
-- ARGV: time; when the entries were read; 'dry' to write nothing, or 'keep' to have no
-- unique index refuse anything; number of tables, of entries; for each table its state as it was read, the state it is to have, ''
-- for no other, and its name; for each entry its table's number, its key, version
-- and sequence as they were read, what to do, the record before and after its
-- sequence, and how many changes of indexes follow: of each the set's place in
-- KEYS, the member to remove, the one to add, and the fields that no other entry
-- may have in the set.
--
-- Gives {'ok', the last sequence, and with 'keep' what is not unique, three things for
-- each: number of the entry, place of the set, the other's key}, {'moved'}, {'indexes'},
-- or {'taken', and the first three such things}.

local now, read = clock(ARGV[1]), tonumber(ARGV[2])
local tables, entries = tonumber(ARGV[4]), tonumber(ARGV[5])
for i = 1, tables do
	local state, known = call('GET', name(i, STATE)) or '', ARGV[3 + 3 * i]
	if state ~= known then
		local generation = state == '' and ZERO8 or sub(state, 1, 8)
		if generation ~= (known == '' and ZERO8 or sub(known, 1, 8)) then return {'indexes'} end
		return {'moved'}
	end
end

-- Where what is said of each entry begins.
local place, places, olds = 5 + 3 * tables, {}, {}
for i = 1, entries do
	places[i] = place
	local old = call('GET', KEYS[2 + tables * NAMES + i])
	olds[i] = old
	if (old and sub(old, 2, 17) or '') ~= ARGV[place + 3] then return {'moved'} end
	if old and not has(old, DELETED) and has(old, EXPIRES) then
		local ends = expires(old)
		if (ends <= now) ~= (ends <= read) then return {'moved'} end
	end
	place = place + 7 + 4 * tonumber(ARGV[place + 7])
end

local function changes(visit)
	for i = 1, entries do
		local at = places[i]
		for j = 0, tonumber(ARGV[at + 7]) - 1 do
			local c = at + 8 + 4 * j
			visit(i, tonumber(ARGV[c]), ARGV[c + 1], ARGV[c + 2], ARGV[c + 3])
		end
	end
end

-- All entries together are held against the unique indexes, so that they may swap what
-- they have.
local leaving, claimed, broken = {}, {}, {}
changes(function(_, set, remove)
	leaving[set] = leaving[set] or {}
	leaving[set][remove] = true
end)
changes(function(i, set, _, _, fields)
	if fields == '' then return end
	local key, entry = ARGV[places[i] + 2], KEYS[2 + tables * NAMES + i]
	local other = claimed[set .. ':' .. fields] or holder(KEYS[set], fields, key, sub(entry, 1, #entry - #key), now, leaving[set])
	claimed[set .. ':' .. fields] = key
	local n = #broken
	if other and n < 300 then -- enough to be told, and few enough to be given back
		broken[n + 1], broken[n + 2], broken[n + 3] = i, set, other
	end
end)
if #broken > 0 and ARGV[3] ~= 'keep' then return {'taken', broken[1], broken[2], broken[3]} end
if ARGV[3] == 'dry' then return {'ok', '0'} end

begin(now)
for i = 1, entries do
	local at = places[i]
	local action, index = ARGV[at + 4], tonumber(ARGV[at + 1])
	local key, entry = ARGV[at + 2], KEYS[2 + tables * NAMES + i]
	if action == 'put' then
		store(index, ARGV[5 + 3 * index], key, entry, olds[i], ARGV[at + 5], ARGV[at + 6], now)
	elseif action == 'forget' then
		forget(index, key, entry)
	end
end
changes(function(_, set, gone, added)
	if gone ~= '' then remove(KEYS[set], gone) end
	if added ~= '' then add(KEYS[set], '0', added) end
end)
for i = 1, tables do
	local state = ARGV[4 + 3 * i]
	if state ~= '' then put(name(i, STATE), state) end
end
finish()
return {'ok', text(sequence), unpack(broken)}
