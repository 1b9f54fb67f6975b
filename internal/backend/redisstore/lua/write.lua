-- Puts, deletes, reads and increments of whole integers, all or none, evaluated
-- here. What they come to is store.Eval's to say, and whatever is refused here is
-- given back for it to tell why.
--
-- KEYS: as lua/orders.lua has them, then the entries of the operations.
-- ARGV: time; number of tables, of operations; for each table the generation of
-- its indexes that the caller knows, and its name; for each operation the table's
-- number, key, kind, precondition, what becomes of the end of its life, a time for
-- that, the table's default for it, flags and value.
--
-- Gives {'ok', for each operation a letter and a record's head or the record},
-- {'refused', time, states of the tables, records}, or {'indexes'}.

local now = clock(ARGV[1])
local tables, operations = tonumber(ARGV[2]), tonumber(ARGV[3])
local states, titles = {}, {}
for i = 1, tables do
	local state = call('GET', name(i, STATE))
	if (state and sub(state, 1, 8) or ZERO8) ~= ARGV[2 + 2 * i] then return {'indexes'} end
	states[i], titles[i] = state, ARGV[3 + 2 * i]
end

local function holds(condition, old, there)
	if condition == '' then return true end
	local kind = sub(condition, 1, 1)
	if kind == 'a' then return not there end
	if not there then return false end
	if kind == 'e' then return true end
	local version = sub(old, 2, 9)
	for i = 2, #condition, 8 do
		if sub(condition, i, i + 7) == version then return true end
	end
	return false
end

-- The end of an entry's life as it stands in a record; nil where it is refused.
local TEN_YEARS = 315360000000000
local function ending(mode, at, default, old, there)
	at = tonumber(at)
	if mode == 'at' then
		if at <= now or at - now > TEN_YEARS then return nil end
		return at
	elseif mode == 'in' then
		return now + at
	elseif mode == 'keep' and there then
		return has(old, EXPIRES) and expires(old) or 0
	end
	default = tonumber(default)
	if mode ~= 'never' and default > 0 then return now + default end
	return 0
end

local function number(digits)
	if #digits > 17 or not string.find(digits, '^%-?%d+$') then return nil end
	local n = tonumber(digits)
	return math.abs(n) <= 9007199254740991 and n or nil
end

-- Where a record's value begins.
local function valueAt(record)
	if has(record, METADATA) then return 44 + unpack8('>I2', record, 42) end
	return 42
end

-- What an operation comes to: the letter, and of a record to be written what
-- stands before its sequence and after.
local function evaluate(kind, mode, at, default, flags, value, old, there, version)
	if kind == 'read' or kind == 'delete' and not there then return 's' end
	local time = now
	if there and updated(old) > now then time = updated(old) end
	local first, change = successor(version), pack('>i8', time)
	if kind == 'delete' then return 'd', '\1' .. first, change end
	local ends = ending(mode, at, default, old, there)
	if not ends then return nil end
	local born = there and sub(old, 26, 33) or change
	local tail = value
	if kind == 'add' then
		local start, delta = '', number(value)
		local from = flags ~= '' and number(flags)
		flags = 0
		if there then
			local begins = valueAt(old)
			start, flags = sub(old, 42, begins - 1), bit.band(byte(old), 6)
			if has(old, 2) then return nil end
			from = number(sub(old, begins))
		end
		local sum = from and delta and from + delta
		if not sum or math.abs(sum) > 9007199254740991 then return nil end
		tail = start .. (sum == 0 and '0' or text(sum))
	else
		flags = byte(flags)
	end
	if ends ~= 0 then flags = flags + EXPIRES end
	return there and 'u' or 'c', string.char(flags) .. first, change .. born .. pack('>i8', ends) .. tail
end

local first = 3 + 2 * tables
local refused = false
local olds, letters, befores, afters = {}, {}, {}, {}
for i = 1, operations do
	local at = first + (i - 1) * 9
	local index = tonumber(ARGV[at + 1])
	local old = call('GET', KEYS[2 + tables * NAMES + i])
	olds[i] = old
	if old then check(old) end
	local there = exists(old, now)
	local version = old and sub(old, 2, 9) or states[index] and sub(states[index], 9, 16) or ZERO8
	local letter, before, after
	if holds(ARGV[at + 4], old, there) then
		letter, before, after = evaluate(ARGV[at + 3], ARGV[at + 5], ARGV[at + 6], ARGV[at + 7], ARGV[at + 8], ARGV[at + 9], old, there, version)
	end
	if not letter then refused = true end
	letters[i], befores[i], afters[i] = letter, before, after
end

local out = {refused and 'refused' or 'ok'}
if refused then
	out[2] = text(now)
	for i = 1, tables do out[#out + 1] = states[i] end
	for i = 1, operations do out[#out + 1] = olds[i] end
	return out
end
local written = false
begin(now)
for i = 1, operations do
	local place = first + (i - 1) * 9
	local letter = letters[i]
	if letter == 's' then
		local index = tonumber(ARGV[place + 1])
		local state = states[index]
		if exists(olds[i], now) then
			out[i + 1] = 's' .. olds[i]
		else -- only the version is seen
			out[i + 1] = 'a' .. (olds[i] and sub(olds[i], 2, 9) or state and sub(state, 9, 16) or ZERO8)
		end
	else
		local index, entry = tonumber(ARGV[place + 1]), KEYS[2 + tables * NAMES + i]
		local at = store(index, titles[index], ARGV[place + 2], entry, olds[i], befores[i], afters[i], now)
		written = true
		out[i + 1] = letter .. befores[i] .. pack('>i8', at) .. (ARGV[place + 3] == 'add' and afters[i] or sub(afters[i], 1, 24))
	end
end
if written then finish() end
return out
