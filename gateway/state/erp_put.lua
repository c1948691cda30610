-- KEYS: session. ARGV: sealed ERP session, the version it replaces ('' for the first), its own version, the token of
-- the renewal that made it. Returns 1 if it is kept (or was already), 0 if another one is there, -1 if the session is over.
local id, revoked, version, lock = unpack(redis.call('HMGET', KEYS[1], 'id', 'revoked', 'erp_version', 'erp_lock'))
if not id or revoked then return -1 end
if version == ARGV[3] then return 1 end
if (version or '') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'erp', ARGV[1], 'erp_version', ARGV[3])
if lock and string.match(lock, '^%S+') == ARGV[4] then redis.call('HDEL', KEYS[1], 'erp_lock') end
return 1
