-- KEYS: session. ARGV: now, id, meta, owner, tenant, then (hash, kind, expiry) of each token.
-- `opened` is the server's own time, like every not-before mark: no gateway's clock decides which came first.
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'id', ARGV[2], 'meta', ARGV[3], 'owner', ARGV[4], 'tenant', ARGV[5],
  'opened', string.format('%d.%06d', time[1], time[2]), 'end', ARGV[1])
add(KEYS[1], {['end'] = ARGV[1]}, 6, '-', tonumber(ARGV[1]))
return 1
