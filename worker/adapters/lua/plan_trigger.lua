-- The coordinator is through with a trigger: nobody needs to send it again.
local trigger, open_triggers = KEYS[1], KEYS[2]
local trigger_id = ARGV[1]

if redis.call('EXISTS', trigger) == 1 then
  redis.call('HSET', trigger, 'planned', 1)
end
redis.call('ZREM', open_triggers, trigger_id)
