-- A worker died over a file: counted at once, and its lease dropped. Answers the losses so far.
local run, pending, leases, holders, losses = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local digest = ARGV[1]

if redis.call('HGET', run, 'state') ~= 'running' or redis.call('SISMEMBER', pending, digest) == 0 then
  return tonumber(redis.call('HGET', losses, digest) or 0)
end
redis.call('ZREM', leases, digest)
redis.call('HDEL', holders, digest)
redis.call('HSET', run, 'moved', stamp)
local lost = redis.call('HINCRBY', losses, digest, 1)
keep(run, losses)
return lost
