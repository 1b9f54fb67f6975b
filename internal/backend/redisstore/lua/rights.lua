-- Says which commands the user may not run. KEYS: one of the store's. ARGV: commands
-- with their arguments, as rights.go has them.

local out = {}
for _, command in ipairs(ARGV) do
	local words = {}
	for word in string.gmatch(command, '[^ ]+') do words[#words + 1] = word == 'KEY' and KEYS[1] or word end
	local title = table.remove(words, 1)
	local parts = {}
	for part in string.gmatch(title, '[^|]+') do parts[#parts + 1] = part end
	for _, word in ipairs(words) do parts[#parts + 1] = word end
	if not redis.acl_check_cmd(unpack(parts)) then out[#out + 1] = title end
end
return out
