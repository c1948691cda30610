-- KEYS: session, spent. ARGV: now, then (hash, kind, expiry) of each token. 1 added, 0 gone or revoked, -1 known.
local now = tonumber(ARGV[1])
local session = read(KEYS[1])
if not session.id or session.revoked then return 0 end
for i = 2, #ARGV, 3 do
  if session[ARGV[i]] then return -1 end
end
prune(KEYS[1], session, now, (#ARGV - 1) / 3)
local last = add(KEYS[1], session, 2, '-', now)
expire(KEYS[2], last, now)
return 1
