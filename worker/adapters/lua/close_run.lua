-- Ends a run with its report, once, and opens the trigger that goes on from it, if there is one. What the run planned and
-- did stays readable for a while; nobody works on it any more.
local run, leases, holders, active = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local first_kept, last_kept, first_of_trigger = 5, 9, 10
local run_id, state, report, closed_seconds, files_seconds = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

if redis.call('HGET', run, 'state') ~= 'running' then
  return 0
end
redis.call('HSET', run, 'state', state, 'report', report, 'closed', stamp)
redis.call('ZREM', active, run_id)
redis.call('DEL', leases, holders)
redis.call('EXPIRE', run, closed_seconds)
for at = first_kept, last_kept do
  redis.call('EXPIRE', KEYS[at], files_seconds)
end
if #KEYS >= first_of_trigger then
  open_trigger({unpack(KEYS, first_of_trigger)}, ARGV[6], ARGV[7], ARGV[8], ARGV[9])
end
return 1
