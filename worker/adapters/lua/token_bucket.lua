-- A token bucket kept as one number: the moment at which it will be full again, in microseconds of the server's clock.
-- Past that moment the key is gone, which means the same. A moment further away than a whole bucket takes to fill is
-- debt: tokens given out before they exist, each to a caller who was told how long to wait for it. So debt is a line,
-- first come, first served.
--
-- KEYS[1]  the bucket
-- ARGV     capacity, tokens per second, cost, longest wait (us), stand back (us): no token before that has passed
-- Returns  1 if the cost was taken, the wait for it (us), the tokens left (negative: the length of the line)

local capacity, rate, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local longest_wait, stand_back = tonumber(ARGV[4]), tonumber(ARGV[5])
local token = 1000000 / rate
local whole = capacity * token

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local stored = tonumber(redis.call('GET', KEYS[1]) or 0)
local full_at = math.max(stored, now)
if stand_back > 0 then
  full_at = math.max(full_at, now + whole + stand_back)
end

local wait = math.max(0, full_at + cost * token - now - whole)
-- A microsecond of grace is for rounding; the number keeps what it gives, so it never adds up.
local taken = cost <= capacity and wait <= longest_wait + 1
if taken then
  full_at = full_at + cost * token
end
if full_at > now and full_at ~= stored then
  redis.call('SET', KEYS[1], string.format('%.3f', full_at), 'PX', math.ceil((full_at - now) / 1000))
end
return { taken and 1 or 0, math.ceil(wait), string.format('%.6f', (now + whole - full_at) / token) }
