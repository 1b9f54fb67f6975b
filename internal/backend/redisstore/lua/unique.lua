-- Unique indexes.

-- Finds an entry that exists and has these fields in the sorted set of an index, other
-- than that of the key itself and those whose members are on their way out. One that
-- has expired and has not been cleared up does not count. That the last two bytes say
-- where the fields end tells those of a cut field apart, which may begin with others.
local function holder(set, fields, key, beginning, now, leaving)
	for _, member in ipairs(call('ZRANGE', set, '[' .. fields, '(' .. fields .. '\255', 'BYLEX')) do
		if unpack8('>I2', member, #member - 1) == #fields and not leaving[member] then
			local other = sub(member, #fields + 1, -4)
			if other ~= key and exists(call('GET', beginning .. other), now) then return other end
		end
	end
end
