-- KEYS: as in reserve. ARGV: now, attempt, outcome ("failed", "succeeded", "released"), seconds of the window,
-- most failures of the pair, of the address (0: never banned), seconds of a ban, seconds that the keys are kept, seconds
-- that a judgement may take.
-- Returns {1 if this banned the pair, 1 if this banned the address}.
local now, attempt, outcome, window = tonumber(ARGV[1]), ARGV[2], ARGV[3], tonumber(ARGV[4])
local answer = {0, 0}

-- What has failed, or was never settled: all of it, or what came after `since`. Oldest first.
local function failures(key, since)
  local found = {}
  local entries = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  for i = 1, #entries, 2 do
    local kind, at = string.sub(entries[i], 1, 1), tonumber(entries[i + 1])
    local is_failure = kind == 'f' or kind == 'p' and at <= now - tonumber(ARGV[9])
    if is_failure and (not since or at > since) then found[#found + 1] = entries[i] end
  end
  return found
end

local function forget(key, members)
  for _, member in ipairs(members) do redis.call('ZREM', key, member) end
end

local had_name = KEYS[3] ~= KEYS[1]
local function forget_all(i)
  forget(KEYS[i], failures(KEYS[i]))
  if i == 1 and had_name then forget(KEYS[3], failures(KEYS[3])) end
end

for i = 1, 2 do
  redis.call('ZREM', KEYS[i], 'p' .. attempt)
end
if outcome == 'succeeded' then
  forget_all(1)
elseif outcome == 'failed' then
  for i = 1, 2 do
    redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', string.format('%.6f', now - LONGEST_WINDOW))
    redis.call('ZADD', KEYS[i], ARGV[1], 'f' .. attempt)
    local most = tonumber(ARGV[4 + i])
    local failed = #failures(KEYS[i], now - window)
    if i == 1 and had_name then failed = failed + #failures(KEYS[3], now - window) end
    if most > 0 and failed >= most then
      forget_all(i)
      redis.call('ZADD', KEYS[i], string.format('%.6f', now + tonumber(ARGV[7])), 'ban')
      answer[i] = 1
    end
    local all = failures(KEYS[i])
    for extra = 1, #all - REMEMBERED_FAILURES do redis.call('ZREM', KEYS[i], all[extra]) end
    keep(KEYS[i], ARGV[8])
  end
end
return answer
