-- A trigger learns of a month that needed no run. A coordinator that comes by again replaces its own report.
local trigger, reports, open_triggers = KEYS[1], KEYS[2], KEYS[3]
local trigger_id, month, report, seconds = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

if redis.call('EXISTS', trigger) == 1 then
  redis.call('HSET', reports, month, report)
  redis.call('EXPIRE', reports, seconds)
  hear_of(open_triggers, trigger_id)
end
