#!lua flags=allow-oom
-- KEYS: the mark. ARGV: channel, message up to the mark's time, cause. Everything opened until now ends.
local time = redis.call('TIME')
local mark = string.format('%d.%06d', time[1], time[2])
redis.call('SET', KEYS[1], mark .. ' ' .. ARGV[3], 'PX', string.format('%.0f', TOMBSTONE * 1000))
redis.call('PUBLISH', ARGV[1], ARGV[2] .. mark .. ']')
return mark
