-- KEYS: session, spent, grace.
-- ARGV: now, spent hash, sealed successors, grace in seconds, rotate (1/0), revoke access (1/0), meta ('' keeps it),
-- owner, tenant, channel, message of a revocation, seconds that the rotation may stay unsettled (0: it is settled by
-- itself), then (hash, kind, expiry) of each successor.
-- Returns {outcome, sealed, meta, then the hashes to forget (rotated), of endless tokens (reused) or known...}.
local now, spent, FIRST = tonumber(ARGV[1]), ARGV[2], 13
local session = read(KEYS[1])
if not session.id then return {'unknown', '', ''} end
if session.revoked then return {'revoked', '', session.meta} end

-- The very same rotation again, after a time-out that hid its answer, is known by its last successor: what comes first
-- may have nothing random in it, so that a second use would make the same bytes. Anything else is a collision.
local last = #ARGV - 2
if session[ARGV[last]] then
  local _, _, parent = token(session[ARGV[last]])
  if parent == spent then return {'rotated', '', session.meta} end
end
local held = {}
for i = FIRST, last, 3 do
  if session[ARGV[i]] then held[#held + 1] = ARGV[i] end
end
if #held > 0 then return {'known', '', session.meta, unpack(held)} end

local kind, expiry = token(session[spent])
if kind ~= 'refresh' then
  if not redis.call('LPOS', KEYS[2], spent) then return {'unknown', '', session.meta} end
  local last_use, sealed = string.match(redis.call('HGET', KEYS[3], spent) or '', '^(%S+) (.*)$')
  if last_use and now <= tonumber(last_use) then return {'replayed', sealed, session.meta} end
  -- Nobody has said that the successors were heard of: a store's lost answer is not the client's second use. The one
  -- that rotated has a moment to say so, since it may just be about to.
  local upto, since, first = string.match(redis.call('HGET', KEYS[3], '?' .. spent) or '', '^(%S+) (%S+) (.*)$')
  if upto and now < tonumber(since) + SETTLING then return {'unsettled', '', session.meta} end
  if upto and now <= tonumber(upto) then return {'replayed', first, session.meta} end
  local endless = revoke(KEYS, session, 'refresh token reused', now, ARGV[10], ARGV[11])
  return {'reused', '', session.meta, unpack(endless)}
end
if expiry <= now then return {'expired', '', session.meta} end

local function remember_successors()
  local entries = redis.call('HGETALL', KEYS[3])
  local oldest, oldest_use, count = nil, nil, 0
  for i = 1, #entries, 2 do
    local last_use = tonumber(string.match(entries[i + 1], '^%S+'))
    if last_use < now then
      redis.call('HDEL', KEYS[3], entries[i])
    else
      count = count + 1
      if not oldest or last_use < oldest_use then oldest, oldest_use = entries[i], last_use end
    end
  end
  if count >= GRACE_ENTRIES then redis.call('HDEL', KEYS[3], oldest) end
  redis.call('HSET', KEYS[3], spent, string.format('%.6f', now + tonumber(ARGV[4])) .. ' ' .. ARGV[3])
  redis.call('PEXPIRE', KEYS[3], string.format('%.0f', tonumber(ARGV[4]) * 1000 + 1000))
end

if ARGV[6] == '1' then
  for field, value in pairs(session) do
    local other = #field == 64 and token(value)
    if other == 'access' or other == 'url' then
      redis.call('HSET', KEYS[1], field, 'dead ' .. string.match(value, '^%S+ (.*)$'))
      redis.call('PUBLISH', ARGV[10], '["token","' .. field .. '"]')
    end
  end
end

local forgotten = {}
if ARGV[5] == '1' then
  redis.call('HDEL', KEYS[1], spent)
  session[spent] = nil
  if redis.call('LPUSH', KEYS[2], spent) > SPENT_TOKENS then forgotten[1] = redis.call('RPOP', KEYS[2]) end
  if tonumber(ARGV[4]) > 0 then
    remember_successors()
  elseif tonumber(ARGV[12]) > 0 then
    redis.call('DEL', KEYS[3])
    redis.call('HSET', KEYS[3], '?' .. spent, string.format('%.6f %.6f ', now + tonumber(ARGV[12]), now) .. ARGV[3])
    redis.call('PEXPIRE', KEYS[3], string.format('%.0f', tonumber(ARGV[12]) * 1000 + 1000))
  end
end
if ARGV[7] ~= '' then
  redis.call('HSET', KEYS[1], 'meta', ARGV[7], 'owner', ARGV[8], 'tenant', ARGV[9])
  session.meta = ARGV[7]
end
prune(KEYS[1], session, now, (#ARGV - FIRST + 1) / 3, forgotten)
expire(KEYS[2], add(KEYS[1], session, FIRST, spent, now), now)
return {'rotated', '', session.meta, unpack(forgotten)}
