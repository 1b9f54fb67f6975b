-- Changes what indexes a table has, if they are still those that the caller knows.
--
-- KEYS: the set of tables, the table's state, the hash of its indexes, then the sorted
-- sets of indexes that are gone.
-- ARGV: the generation that the caller knows, the next one, the table's name, the name
-- of the index that changes, what it has to be, '' for whatever it is, and what it is to
-- be, '' for gone.
--
-- Gives 1, or 0 where the generation or the index is another.

local state, index = call('GET', KEYS[2]), ARGV[4]
if (state and sub(state, 1, 8) or ZERO8) ~= ARGV[1] then return 0 end
call('SISMEMBER', KEYS[1], ARGV[3]) -- fails where it is no set, before anything is done
if ARGV[5] ~= '' and call('HGET', KEYS[3], index) ~= ARGV[5] then return 0 end
if ARGV[6] == '' then
	call('HDEL', KEYS[3], index)
else
	call('HSET', KEYS[3], index, ARGV[6])
end
for i = 4, #KEYS do call('UNLINK', KEYS[i]) end
call('SET', KEYS[2], ARGV[2] .. (state and sub(state, 9) or ZERO8 .. ZERO8))
call('SADD', KEYS[1], ARGV[3])
return 1
