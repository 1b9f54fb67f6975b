-- Keeping an entry and the orders it is found in in step. KEYS begins with the
-- sequence and the set of tables; five names follow for each table that is
-- written to. ARGV ends with the highest sequence that the caller has seen in any
-- shard, so that what follows from it comes after it (Lamport 1978, rule IR2).

local SEQUENCE, TABLES = 1, 2
local STATE, ALIVE, CHANGES, EXPIRY, TOMBSTONES = 0, 1, 2, 3, 4
local NAMES = 5 -- of a table

local function name(index, which) return KEYS[3 + (index - 1) * NAMES + which] end

-- The sequence after the last: the time, wherever that is not behind.
local sequence
local function begin(now)
	sequence = math.max(tonumber(call('GET', KEYS[SEQUENCE]) or '0'), now - 1, tonumber(ARGV[#ARGV]))
end

-- Takes the next sequence, which is not below the entry's time of update either,
-- so that what was modified since some time lies beyond it in the order.
local function take(changed)
	sequence = sequence + 1
	if changed > sequence and changed < 9007199254740992 then sequence = changed end
	return sequence
end

-- Puts a record, given as what stands before and after its sequence, in place of
-- the old one, false where there was none.
local function store(index, title, key, entry, old, first, rest, now)
	local at = take(unpack8('>i8', rest, 1))
	local score = text(at)
	local record = first .. pack('>i8', at) .. rest
	call('SET', entry, record)
	call('ZADD', name(index, CHANGES), score, key)
	local buried = old and has(old, DELETED)
	if has(record, DELETED) then
		if old and not buried then call('ZREM', name(index, ALIVE), key) end
		call('ZADD', name(index, TOMBSTONES), text(now), key)
	elseif not old or buried then
		call('ZADD', name(index, ALIVE), '0', key)
		if buried then call('ZREM', name(index, TOMBSTONES), key) end
	end
	if has(record, EXPIRES) then
		call('ZADD', name(index, EXPIRY), text(expires(record)), key)
	elseif old and not buried and has(old, EXPIRES) then
		call('ZREM', name(index, EXPIRY), key)
	end
	if not old then call('SADD', KEYS[TABLES], title) end
	return at
end

local function finish() call('SET', KEYS[SEQUENCE], text(sequence)) end
