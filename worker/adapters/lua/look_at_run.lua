-- One look at one run: what a lost message or a killed worker left in it. What is found is marked in the same step, so
-- that no second look finds it again. Answers {generation, overdue, publish, resend, lost}, or nothing for a run that ended.
local run, pending, leases, holders, losses, active = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local run_id, queue_is_empty, most_losses = ARGV[1], ARGV[2] == '1', tonumber(ARGV[3])
local lease_seconds, stale_seconds, crowded_seconds = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local publish_after_seconds, deadline_seconds = tonumber(ARGV[7]), tonumber(ARGV[8])

local function since(field)
  local at = redis.call('HGET', run, field)
  return at and now - at
end

-- Nothing is left to wait for, and yet nobody ended the run: true when its end is to be asked for (again).
local function wants_its_end()
  local asked = since('asked')
  if asked then
    return asked >= stale_seconds
  end
  return (since('cancelled') or since('moved')) >= publish_after_seconds
end

-- Leases that were not renewed: each is a loss.
local function expired()
  local digests = redis.call('ZRANGEBYSCORE', leases, '-inf', before(lease_seconds))
  for _, digest in ipairs(digests) do
    redis.call('ZREM', leases, digest)
    redis.call('HDEL', holders, digest)
    redis.call('HINCRBY', losses, digest, 1)
  end
  return digests
end

-- Nothing moved for so long that the messages must be lost; each time it takes twice as long to conclude so.
local function has_stalled()
  local quiet = since('moved') / 2 ^ (redis.call('HGET', run, 'resends') or 0)
  return quiet >= crowded_seconds or (queue_is_empty and quiet >= stale_seconds)
end

local function unleased()
  local digests = {}
  for _, digest in ipairs(redis.call('SMEMBERS', pending)) do
    if not redis.call('ZSCORE', leases, digest) then
      table.insert(digests, digest)
    end
  end
  return digests
end

if redis.call('HGET', run, 'state') ~= 'running' then
  redis.call('ZREM', active, run_id)
  return nil
end
local generation = tonumber(redis.call('HGET', run, 'generation') or 0)
if since('opened') >= deadline_seconds then
  return {generation, 1, 0, {}, {}}
end
if redis.call('SCARD', pending) == 0 or redis.call('HEXISTS', run, 'cancelled') == 1 then
  local publish = wants_its_end()
  if publish then
    redis.call('HSET', run, 'asked', stamp)
  end
  return {generation, 0, publish and 1 or 0, {}, {}}
end

local left = expired()
if has_stalled() then
  left = unleased()
  redis.call('HINCRBY', run, 'resends', #left > 0 and 1 or 0)
end
local resend, lost = {}, {}
for _, digest in ipairs(left) do
  local count = tonumber(redis.call('HGET', losses, digest) or 0)
  table.insert(count < most_losses and resend or lost, digest)
end
if #resend > 0 then
  generation = redis.call('HINCRBY', run, 'generation', 1)
  redis.call('HSET', run, 'moved', stamp)
end
if #left > 0 then
  keep(run, losses)
end
return {generation, 0, 0, resend, lost}
