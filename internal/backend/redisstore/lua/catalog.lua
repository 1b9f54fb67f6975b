-- Reads what indexes tables have, at one moment. KEYS: for each table its state and
-- the hash of its indexes. Gives for each table the state, and a list of the hash.

local out = {}
for i = 1, #KEYS, 2 do
	out[i] = redis.call('GET', KEYS[i])
	out[i + 1] = redis.call('HGETALL', KEYS[i + 1])
end
return out
