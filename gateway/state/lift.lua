-- lift
-- KEYS: a pair or an address, as in reserve. ARGV: now, seconds that a judgement may take. Ends its ban and forgets what
-- failed; what is being judged goes on. Returns 1 if a ban was in force.
local now = tonumber(ARGV[1])
local ban = redis.call('ZSCORE', KEYS[1], 'ban')
local entries = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 1, #entries, 2 do
  local is_judged = string.sub(entries[i], 1, 1) == 'p' and tonumber(entries[i + 1]) > now - tonumber(ARGV[2])
  if not is_judged then redis.call('ZREM', KEYS[1], entries[i]) end
end
return ban and tonumber(ban) > now and 1 or 0
