-- Changes what indexes a table has, if they are still those that the caller knows.
--
-- KEYS: the set of tables, the table's state, the hash of its indexes, then the sorted
-- sets of indexes that are gone.
-- ARGV: the generation that the caller knows, the next one, the table's name; then for
-- each index that changes its name and what it is, '' for gone.
--
-- Gives 1, or 0 where the generation is another.

local state = call('GET', KEYS[2])
if (state and sub(state, 1, 8) or ZERO8) ~= ARGV[1] then return 0 end
for i = 4, #ARGV, 2 do
	if ARGV[i + 1] == '' then
		call('HDEL', KEYS[3], ARGV[i])
	else
		call('HSET', KEYS[3], ARGV[i], ARGV[i + 1])
	end
end
for i = 4, #KEYS do call('UNLINK', KEYS[i]) end
call('SET', KEYS[2], ARGV[2] .. (state and sub(state, 9) or ZERO8 .. ZERO8))
call('SADD', KEYS[1], ARGV[3])
return 1
