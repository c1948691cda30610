-- Shared by all scripts. A session's hash holds: id, meta, owner, tenant, opened, end, revoked, revoked_at, and each
-- token under its own hash (64 hex digits, longer than any other field) as "kind expiry parent name".
local NEVER = 1e15
local SLACK = 60            -- seconds that keys outlive what they hold, so that "expired" can be told from "unknown"
local LIVE_TOKENS = 256     -- of one session; the first to expire goes, refresh tokens last
local SPENT_TOKENS = 1000   -- remembered for one session; the oldest is forgotten, and is merely unknown then
local SETTLING = 2          -- seconds in which a gateway that has rotated says that it heard of it
local GRACE_ENTRIES = 16    -- successors of one session kept for replay
local TOMBSTONE = 34560000  -- seconds (400 days) that a revoked session with endless tokens is remembered
local REMEMBERED_FAILURES = 1000  -- of one address, or of one account from one: ten times the largest `max_failures`
local LONGEST_WINDOW = 86400  -- seconds that a failed login is remembered at most

local function read(key)
  local flat = redis.call('HGETALL', key)
  local session = {}
  for i = 1, #flat, 2 do session[flat[i]] = flat[i + 1] end
  return session
end

local function token(value)
  local kind, expiry, parent = string.match(value or '', '^(%S+) (%S+) (%S+)')
  return kind, tonumber(expiry or 0), parent
end

local function expire(key, last, now)
  if last >= NEVER then
    redis.call('PERSIST', key)
  else
    redis.call('PEXPIRE', key, string.format('%.0f', math.max(last - now + SLACK, 1) * 1000))
  end
end

-- Drop what has expired and, beyond the cap, what expires first; `extra` more are about to come. Adds the latter to
-- `forgotten`: the former's pointers end by themselves.
local function prune(key, session, now, extra, forgotten)
  local kept = {}
  for field, value in pairs(session) do
    if #field == 64 then
      local kind, expiry = token(value)
      if expiry <= now then
        redis.call('HDEL', key, field)
      else
        kept[#kept + 1] = {field, expiry + (kind == 'refresh' and NEVER or 0)}
      end
    end
  end
  if #kept + extra > LIVE_TOKENS then
    table.sort(kept, function(a, b) return a[2] < b[2] end)
    for i = 1, math.min(#kept, #kept + extra - LIVE_TOKENS) do
      redis.call('HDEL', key, kept[i][1])
      forgotten[#forgotten + 1] = kept[i][1]
    end
  end
end

-- Add tokens given as flat (hash, kind, expiry) triples from `first` on in ARGV, and let the session live as long.
local function add(key, session, first, parent, now)
  local last = tonumber(session['end'] or 0)
  for i = first, #ARGV, 3 do
    local name = string.sub(ARGV[i], 1, 16)
    redis.call('HSET', key, ARGV[i], table.concat({ARGV[i + 1], ARGV[i + 2], parent, name}, ' '))
    if tonumber(ARGV[i + 2]) > last then
      last = tonumber(ARGV[i + 2])
      redis.call('HSET', key, 'end', ARGV[i + 2])
    end
  end
  expire(key, last, now)
  return last
end

-- Turn a session into its tombstone and tell everybody. Returns the hashes of its endless tokens: their pointers have
-- no end of their own.
local function revoke(keys, session, cause, now, channel, message)
  local endless = {}
  for field, value in pairs(session) do
    if #field == 64 then
      local _, expiry = token(value)
      if expiry >= NEVER then endless[#endless + 1] = field end
      redis.call('HDEL', keys[1], field)
    end
  end
  redis.call('HSET', keys[1], 'revoked', cause, 'revoked_at', string.format('%.3f', now))
  redis.call('DEL', keys[2], keys[3])
  local last = tonumber(session['end'])
  if last >= NEVER then last = now + TOMBSTONE end
  expire(keys[1], last, now)
  redis.call('PUBLISH', channel, message)
  return endless
end


-- Let a key live for so many seconds from now, and never shorter than it would have.
local function keep(key, seconds)
  local wanted = math.ceil(tonumber(seconds) * 1000)
  if redis.call('PTTL', key) < wanted then redis.call('PEXPIRE', key, string.format('%.0f', wanted)) end
end
