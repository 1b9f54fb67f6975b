-- Says what a shard is, and makes it so where it is nothing yet.
-- KEYS: the shard's meta. ARGV: an id; names and values that a new one has.

local meta = KEYS[1]
if redis.call('HSETNX', meta, 'id', ARGV[1]) == 1 then
	for i = 2, #ARGV, 2 do redis.call('HSET', meta, ARGV[i], ARGV[i + 1]) end
end
return redis.call('HMGET', meta, 'id', 'format', 'shards')
