#!lua flags=allow-oom
-- KEYS: session. ARGV: hash, channel, message. The dead token stays listed until it would have expired, so that the
-- same bytes are never issued again.
local id, value, revoked = unpack(redis.call('HMGET', KEYS[1], 'id', ARGV[1], 'revoked'))
if not id or revoked or not value then return 0 end
local kind, expiry, parent = token(value)
if kind == 'dead' then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], 'dead ' .. string.match(value, '^%S+ (.*)$'))
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1
