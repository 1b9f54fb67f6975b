-- What all scripts share: the time, and how a record is read (record.go).

local call, byte, sub = redis.call, string.byte, string.sub
local pack, unpack8 = struct.pack, struct.unpack

local ZERO8 = '\0\0\0\0\0\0\0\0'
local DELETED, METADATA, EXPIRES = 1, 4, 8

-- The present time in µs: the server's, unless the caller brings one. A number
-- keeps it exactly, up to the year 2255.
local function clock(given)
	if given ~= '' then return tonumber(given) end
	local t = call('TIME')
	return t[1] * 1000000 + t[2]
end

local function text(n) return string.format('%.0f', n) end
local function has(record, flag) return bit.band(byte(record), flag) ~= 0 end
local function updated(record) return (unpack8('>i8', record, 18)) end
local function expires(record) return (unpack8('>i8', record, 34)) end

-- Ends the script: a key holds something else than it should.
local function damaged() error({err = 'WRONGTYPE of what a key holds'}) end

-- Ends the script where this is no record.
local function check(record)
	local least = 25
	if record ~= '' and not has(record, DELETED) then least = has(record, METADATA) and 43 or 41 end
	if #record < least then damaged() end
end

-- Whether a reader sees a value.
local function exists(record, now)
	return record and not has(record, DELETED) and not (has(record, EXPIRES) and expires(record) <= now)
end

-- The version after this one, exactly, however high it is.
local function successor(version)
	local low = unpack8('>I4', version, 5)
	if low < 4294967295 then return sub(version, 1, 4) .. pack('>I4', low + 1) end
	return pack('>I4', unpack8('>I4', version, 1) + 1) .. '\0\0\0\0'
end
