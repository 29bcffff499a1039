-- Triggers whose coordinator was not heard of for so long; each is answered once in that time.
local open_triggers = KEYS[1]
local stale_seconds = ARGV[1]

local stale = redis.call('ZRANGEBYSCORE', open_triggers, '-inf', before(stale_seconds))
for _, trigger_id in ipairs(stale) do
  hear_of(open_triggers, trigger_id)
end
return stale
