-- Counts requests; a run that is gone is not brought back for it.
local run = KEYS[1]

if redis.call('EXISTS', run) == 1 then
  redis.call('HINCRBY', run, 'requests', ARGV[1])
end
