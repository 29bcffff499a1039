-- Triggers whose coordinator was not heard of for so long, each answered once in that time; and those whose time has come.
local open_triggers, later_triggers = KEYS[1], KEYS[2]
local stale_seconds, seconds = ARGV[1], ARGV[2]

local found = redis.call('ZRANGEBYSCORE', open_triggers, '-inf', before(stale_seconds))
for _, trigger_id in ipairs(found) do
  hear_of(open_triggers, trigger_id)
end
for _, trigger_id in ipairs(redis.call('ZRANGEBYSCORE', later_triggers, '-inf', stamp)) do
  redis.call('ZREM', later_triggers, trigger_id)
  redis.call('ZADD', open_triggers, stamp, trigger_id)
  redis.call('EXPIRE', open_triggers, seconds)
  table.insert(found, trigger_id)
end
return found
