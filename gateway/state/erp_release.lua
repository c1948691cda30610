-- KEYS: session. ARGV: the token of a renewal that came to nothing.
local lock = redis.call('HGET', KEYS[1], 'erp_lock')
if lock and string.match(lock, '^%S+') == ARGV[1] then redis.call('HDEL', KEYS[1], 'erp_lock') end
return 1
