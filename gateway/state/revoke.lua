-- KEYS: session, spent, grace. ARGV: now, cause, channel, message, not-before ('' for any).
-- Returns {} if gone, revoked already or opened after the mark; else {owner, tenant, endless token hashes...}.
local session = read(KEYS[1])
if not session.id or session.revoked then return {} end
if ARGV[5] ~= '' and tonumber(session.opened) > tonumber(ARGV[5]) then return {} end
local endless = revoke(KEYS, session, ARGV[2], tonumber(ARGV[1]), ARGV[3], ARGV[4])
return {session.owner, session.tenant, unpack(endless)}
