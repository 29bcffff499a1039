-- Asks a running run to end: its workers stop at their next renewal. The first asking sets the time.
local run = KEYS[1]

if redis.call('HGET', run, 'state') ~= 'running' then
  return 0
end
redis.call('HSETNX', run, 'cancelled', stamp)
return 1
