-- A month of a backfill has ended. After the last one there is no such backfill.
local backfills, waiting, active = KEYS[1], KEYS[2], KEYS[3]
local backfill_id, trigger_id = ARGV[1], ARGV[2]

redis.call('ZREM', active, trigger_id)
if redis.call('EXISTS', waiting, active) == 0 then
  redis.call('HDEL', backfills, backfill_id)
end
