-- Ends a run with its report, once. What it planned and did stays readable for a while; nobody works on it any more.
local run, leases, holders, active = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local run_id, state, report, closed_seconds = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

if redis.call('HGET', run, 'state') ~= 'running' then
  return 0
end
redis.call('HSET', run, 'state', state, 'report', report, 'closed', stamp)
redis.call('ZREM', active, run_id)
redis.call('DEL', leases, holders)
redis.call('EXPIRE', run, closed_seconds)
for at = 5, #KEYS do
  redis.call('EXPIRE', KEYS[at], closed_seconds)
end
return 1
