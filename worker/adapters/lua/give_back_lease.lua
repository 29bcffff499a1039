-- The holder stops and did not lose the file: its lease is dropped, not left to expire as a loss.
local leases, holders = KEYS[1], KEYS[2]
local digest, token = ARGV[1], ARGV[2]

if redis.call('HGET', holders, digest) == token then
  redis.call('HDEL', holders, digest)
  redis.call('ZREM', leases, digest)
end
