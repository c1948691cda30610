#!lua flags=allow-oom
-- KEYS: the mark. ARGV: its time, cause, channel, message. Writes a mark again that was lost; a later one stays.
-- Returns 1 if it was lost.
local held = redis.call('GET', KEYS[1])
if held and tonumber(string.match(held, '^%S+')) >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2], 'PX', string.format('%.0f', TOMBSTONE * 1000))
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1
