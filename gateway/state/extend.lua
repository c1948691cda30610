-- KEYS: session, spent. ARGV: now, hash, expiry. Lets a live token end later; never sooner. Returns 1 if it lives on.
local now, expiry = tonumber(ARGV[1]), tonumber(ARGV[3])
local session = read(KEYS[1])
if not session.id or session.revoked then return 0 end
local kind, ends, parent = token(session[ARGV[2]])
if not kind or kind == 'dead' or ends <= now then return 0 end
if expiry <= ends then return 1 end
local name = string.sub(ARGV[2], 1, 16)
redis.call('HSET', KEYS[1], ARGV[2], table.concat({kind, ARGV[3], parent, name}, ' '))
local last = math.max(tonumber(session['end'] or 0), expiry)
if last > tonumber(session['end'] or 0) then redis.call('HSET', KEYS[1], 'end', ARGV[3]) end
expire(KEYS[1], last, now)
expire(KEYS[2], last, now)
return 1
