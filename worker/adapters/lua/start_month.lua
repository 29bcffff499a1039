-- Takes a month out of the line and opens its trigger, if there is room for one more and nobody was faster.
local backfills, waiting, active = KEYS[1], KEYS[2], KEYS[3]
local backfill_id, month, seconds, trigger_id = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local max_active = tonumber(redis.call('HGET', backfills, backfill_id) or 0)
if redis.call('ZCARD', active) >= max_active or redis.call('ZREM', waiting, month) == 0 then
  return 0
end
redis.call('ZADD', active, stamp, trigger_id)
for _, key in ipairs({backfills, waiting, active}) do
  redis.call('EXPIRE', key, seconds)
end
open_trigger({unpack(KEYS, 4)}, trigger_id, ARGV[5], ARGV[6], ARGV[7])
return 1
