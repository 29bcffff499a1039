-- The first outcome of a file stays. Answers 1 when no file of the run is left without one.
local run, pending, outcomes, leases, holders = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local digest, outcome, failed, rows, bytes_read, requests = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]

if redis.call('HGET', run, 'state') ~= 'running' then
  return 0
end
if redis.call('SREM', pending, digest) == 1 then
  redis.call('HSET', outcomes, digest, outcome)
  redis.call('ZREM', leases, digest)
  redis.call('HDEL', holders, digest)
  redis.call('HINCRBY', run, 'done', 1)
  redis.call('HINCRBY', run, 'failed', failed)
  redis.call('HINCRBY', run, 'rows', rows)
  redis.call('HINCRBY', run, 'bytes_read', bytes_read)
  redis.call('HINCRBY', run, 'requests', requests)
  redis.call('HSET', run, 'moved', stamp, 'resends', 0)
  keep(run, outcomes)
end
return redis.call('SCARD', pending) == 0 and 1 or 0
