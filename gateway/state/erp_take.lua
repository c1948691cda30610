-- KEYS: session. ARGV: 1 to take it even from a session that is not a tombstone. Whoever takes it has to destroy it.
-- Returns {sealed, meta}, or {} if there is nothing to take.
local id, revoked, sealed, meta = unpack(redis.call('HMGET', KEYS[1], 'id', 'revoked', 'erp', 'meta'))
if not id or not sealed or not meta then return {} end
if not revoked and ARGV[1] ~= '1' then return {} end
redis.call('HDEL', KEYS[1], 'erp', 'erp_version', 'erp_lock')
return {sealed, meta}
