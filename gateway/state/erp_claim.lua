-- KEYS: session. ARGV: the version in hand, a token for this renewal, seconds that it may take. Only one at a time renews.
-- Returns {'gone'}, {'newer', version, sealed}, {'busy'} or {'claimed'}. The server's clock decides, nobody else's.
local id, revoked, sealed, version, lock =
  unpack(redis.call('HMGET', KEYS[1], 'id', 'revoked', 'erp', 'erp_version', 'erp_lock'))
if not id or revoked or not sealed then return {'gone'} end
if version ~= ARGV[1] then return {'newer', version, sealed} end
local now = tonumber(redis.call('TIME')[1])
local holder, until_ = string.match(lock or '', '^(%S+) (%S+)$')
if holder and holder ~= ARGV[2] and tonumber(until_) > now then return {'busy'} end
redis.call('HSET', KEYS[1], 'erp_lock', ARGV[2] .. ' ' .. string.format('%d', now + tonumber(ARGV[3])))
return {'claimed'}
