-- Reads keys at one moment. KEYS: any, all of one slot. ARGV: time.
-- Gives the time, then what the keys hold.

local out = {text(clock(ARGV[1]))}
for i = 1, #KEYS, 1000 do
	for _, held in ipairs(call('MGET', unpack(KEYS, i, math.min(i + 999, #KEYS)))) do
		out[#out + 1] = held
	end
end
return out
