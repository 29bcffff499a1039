-- Puts the months of a backfill in line, once; without months there is nothing to keep.
local backfills, waiting = KEYS[1], KEYS[2]
local backfill_id, max_active, seconds, first_month = ARGV[1], ARGV[2], ARGV[3], 4

if #ARGV < first_month or redis.call('HSETNX', backfills, backfill_id, max_active) == 0 then
  return
end
for at = first_month, #ARGV do
  redis.call('ZADD', waiting, at, ARGV[at])
end
redis.call('EXPIRE', waiting, seconds)
redis.call('EXPIRE', backfills, seconds)
