#!lua flags=allow-oom
-- KEYS: session, spent, grace. ARGV: now, cause, channel, message, and for a session that an index listed: the
-- not-before mark, the field ("owner" or "tenant") and the value that the index is of.
-- Returns {} if gone, revoked already or not meant; else {owner, tenant, endless token hashes...}.
local session = read(KEYS[1])
if not session.id or session.revoked then return {} end
if ARGV[5] and (tonumber(session.opened) > tonumber(ARGV[5]) or session[ARGV[6]] ~= ARGV[7]) then return {} end
local endless = revoke(KEYS, session, ARGV[2], tonumber(ARGV[1]), ARGV[3], ARGV[4])
return {session.owner, session.tenant, unpack(endless)}
