-- KEYS: session. ARGV: meta, owner, tenant. 1 written, 0 gone or revoked.
local id, revoked = unpack(redis.call('HMGET', KEYS[1], 'id', 'revoked'))
if not id or revoked then return 0 end
redis.call('HSET', KEYS[1], 'meta', ARGV[1], 'owner', ARGV[2], 'tenant', ARGV[3])
return 1
