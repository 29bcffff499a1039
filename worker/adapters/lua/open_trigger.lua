-- Keeps a trigger until it is planned, and for a while after. Opened again, it changes nothing.
local trigger, open_triggers = KEYS[1], KEYS[2]
local trigger_id, value, seconds = ARGV[1], ARGV[2], ARGV[3]

if redis.call('HSETNX', trigger, 'value', value) == 1 then
  redis.call('EXPIRE', trigger, seconds)
  redis.call('ZADD', open_triggers, stamp, trigger_id)
  redis.call('EXPIRE', open_triggers, seconds)
end
