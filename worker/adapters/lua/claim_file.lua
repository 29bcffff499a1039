-- Leases a file to a worker, whoever held it before. Answers the plan and the file, or nothing: no work is left on it.
local run, files, pending, leases, holders, deliveries = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local digest, token = ARGV[1], ARGV[2]

if not is_live(run) or redis.call('SISMEMBER', pending, digest) == 0 then
  return nil
end
redis.call('ZADD', leases, stamp, digest)
redis.call('HSET', holders, digest, token)
redis.call('HINCRBY', deliveries, digest, 1)
redis.call('HSET', run, 'moved', stamp)
keep(run, leases, holders, deliveries)
return {redis.call('HGET', run, 'plan'), redis.call('HGET', files, digest)}
