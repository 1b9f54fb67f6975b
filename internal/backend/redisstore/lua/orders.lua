-- Keeping an entry and the orders it is found in in step. KEYS begins with the
-- sequence and the set of tables; five names follow for each table that is
-- written to. ARGV ends with the highest sequence that the caller has seen in any
-- shard, so that what follows from it comes after it (Lamport 1978, rule IR2).
--
-- What is to be written is gathered, and done at the end. Nothing is undone, so what can
-- fail does so before anything is done; and what is added comes before what is removed,
-- since a set that gets empty is gone, and in a slot that is being moved what is gone is
-- elsewhere, and can't be added to any more.

local SEQUENCE, TABLES = 1, 2
local STATE, ALIVE, CHANGES, EXPIRY, TOMBSTONES = 0, 1, 2, 3, 4
local NAMES = 5 -- of a table

local function name(index, which) return KEYS[3 + (index - 1) * NAMES + which] end

-- The sequence after the last: the time, wherever that is not behind.
local sequence
local function begin(now)
	local last = tonumber(call('GET', KEYS[SEQUENCE]) or '0')
	if not last then damaged() end
	sequence = math.max(last, now - 1, tonumber(ARGV[#ARGV]))
end

-- Takes the next sequence, which is not below the entry's time of update either,
-- so that what was modified since some time lies beyond it in the order.
local function take(changed)
	sequence = sequence + 1
	if changed > sequence and changed < 9007199254740992 then sequence = changed end
	return sequence
end

local adding, removing, putting, forgetting, titles = {}, {}, {}, {}, {}

local function add(set, score, member)
	local n = #adding
	adding[n + 1], adding[n + 2], adding[n + 3] = set, score, member
end

local function remove(set, member)
	local n = #removing
	removing[n + 1], removing[n + 2] = set, member
end

local function put(key, held)
	local n = #putting
	putting[n + 1], putting[n + 2] = key, held
end

-- Puts a record, given as what stands before and after its sequence, in place of
-- the old one, false where there was none.
local function store(index, title, key, entry, old, first, rest, now)
	local at = take(unpack8('>i8', rest, 1))
	local record = first .. pack('>i8', at) .. rest
	put(entry, record)
	add(name(index, CHANGES), text(at), key)
	local buried = old and has(old, DELETED)
	if has(record, DELETED) then
		if old and not buried then remove(name(index, ALIVE), key) end
		add(name(index, TOMBSTONES), text(now), key)
	elseif not old or buried then
		add(name(index, ALIVE), '0', key)
		if buried then remove(name(index, TOMBSTONES), key) end
	end
	if has(record, EXPIRES) then
		add(name(index, EXPIRY), text(expires(record)), key)
	elseif old and not buried and has(old, EXPIRES) then
		remove(name(index, EXPIRY), key)
	end
	if not old then titles[title] = true end
	return at
end

-- Has nothing be left of a tombstone.
local function forget(index, key, entry)
	forgetting[#forgetting + 1] = entry
	remove(name(index, CHANGES), key)
	remove(name(index, TOMBSTONES), key)
end

-- Fails where something else is in a set's place; adding to the first shows it of that.
local function look()
	local known = {[adding[1] or ''] = true}
	local function each(changes, width)
		for i = 1, #changes, width do
			local set = changes[i]
			if not known[set] then
				call('ZCARD', set)
				known[set] = true
			end
		end
	end
	each(adding, 3)
	each(removing, 2)
	for title in pairs(titles) do
		if call('SISMEMBER', KEYS[TABLES], title) == 1 then titles[title] = nil end
	end
end

local function finish()
	look()
	for i = 1, #adding, 3 do call('ZADD', adding[i], adding[i + 1], adding[i + 2]) end
	for i = 1, #putting, 2 do call('SET', putting[i], putting[i + 1]) end
	for title in pairs(titles) do call('SADD', KEYS[TABLES], title) end
	call('SET', KEYS[SEQUENCE], text(sequence))
	for i = 1, #removing, 2 do call('ZREM', removing[i], removing[i + 1]) end
	for i = 1, #forgetting do call('DEL', forgetting[i]) end
end
