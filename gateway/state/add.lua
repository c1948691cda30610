-- KEYS: session, spent. ARGV: now, then (hash, kind, expiry) of each token.
-- Returns {0} if the session is over, {-1} if it knows one of them, else {1, hashes to forget...}.
local now = tonumber(ARGV[1])
local session = read(KEYS[1])
if not session.id or session.revoked then return {0} end
for i = 2, #ARGV, 3 do
  if session[ARGV[i]] then return {-1} end
end
local forgotten = {}
prune(KEYS[1], session, now, (#ARGV - 1) / 3, forgotten)
local last = add(KEYS[1], session, 2, '-', now)
expire(KEYS[2], last, now)
return {1, unpack(forgotten)}
