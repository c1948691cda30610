-- KEYS: session. ARGV: meta, owner, tenant. Returns the session's end, '' if it is gone or revoked.
local id, revoked, last = unpack(redis.call('HMGET', KEYS[1], 'id', 'revoked', 'end'))
if not id or revoked then return '' end
redis.call('HSET', KEYS[1], 'meta', ARGV[1], 'owner', ARGV[2], 'tenant', ARGV[3])
return last
