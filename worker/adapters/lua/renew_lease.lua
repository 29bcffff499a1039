-- The holder of a lease lives. Refused when the run has ended or was cancelled, or when the lease is somebody else's.
local run, leases, holders = KEYS[1], KEYS[2], KEYS[3]
local digest, token = ARGV[1], ARGV[2]

if not is_live(run) or redis.call('HGET', holders, digest) ~= token then
  return 0
end
redis.call('ZADD', leases, stamp, digest)
return 1
