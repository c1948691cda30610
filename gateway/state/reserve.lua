-- KEYS: the pair, the address, the pair as it was counted while nobody had logged in by the name (or the same again):
-- sorted sets of attempts by time ("f…" failed, "p…" is being judged), and "ban" by its end.
-- ARGV: now, attempt, seconds of the window, seconds that a judgement may take, most failures of the pair, of the
-- address (0: never banned), seconds that the keys are kept.
-- Returns {"reserved" | "busy" | "banned", seconds until it is worth trying again, failures of the address}.
local now, window, patience = tonumber(ARGV[1]), tonumber(ARGV[3]), tonumber(ARGV[4])

local function read_attempts(key, failed, pending, ban)
  local entries = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  for i = 1, #entries, 2 do
    local at = tonumber(entries[i + 1])
    if entries[i] == 'ban' then
      ban = math.max(ban, at - now)
    elseif string.sub(entries[i], 1, 1) == 'p' and at > now - patience then
      pending = pending + 1
    elseif at > now - window then  -- a reservation that nobody settled counts as failed, too
      failed[#failed + 1] = at
    end
  end
  return pending, ban
end

local function standing(i)
  local failed = {}
  local pending, ban = read_attempts(KEYS[i], failed, 0, 0)
  if i == 1 and KEYS[3] ~= KEYS[1] then
    pending, ban = read_attempts(KEYS[3], failed, pending, ban)
    table.sort(failed)
  end
  return failed, pending, ban
end

local banned, busy, seen = 0, false, 0
for i = 1, 2 do
  local failed, pending, ban = standing(i)
  local most = tonumber(ARGV[4 + i])
  seen = #failed
  if most > 0 then
    banned = math.max(banned, ban)
    if #failed >= most then banned = math.max(banned, failed[#failed - most + 1] + window - now) end
    busy = busy or #failed + pending >= most
  end
end
if banned > 0 then return {'banned', string.format('%.3f', banned), seen} end
if busy then return {'busy', '0', seen} end
for i = 1, 2 do
  redis.call('ZADD', KEYS[i], ARGV[1], 'p' .. ARGV[2])
  keep(KEYS[i], ARGV[7])
end
return {'reserved', '0', seen}
