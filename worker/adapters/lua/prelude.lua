-- Stands before every script. The time is the server's, so that the workers' clocks do not matter.
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local stamp = string.format('%.6f', now)

local function before(seconds)
  return string.format('%.6f', now - seconds)
end

-- A run that files may be worked on for: neither ended nor asked to end.
local function is_live(run)
  local state = redis.call('HMGET', run, 'state', 'cancelled')
  return state[1] == 'running' and not state[2]
end

-- A key born after its run was opened dies with it.
local function keep(run, ...)
  local expires = redis.call('HGET', run, 'expires')
  for _, key in ipairs({...}) do
    redis.call('EXPIREAT', key, expires)
  end
end

-- A trigger's clock moves while its coordinator is heard of; a trigger that was planned has no clock.
local function hear_of(open_triggers, trigger_id)
  redis.call('ZADD', open_triggers, 'XX', stamp, trigger_id)
end

-- A trigger is kept until it is planned, and for a while after; opened again, it changes nothing. One for later waits for
-- its time, and keeps others for the same month from waiting beside it.
local function open_trigger(keys, trigger_id, value, seconds, after_seconds)
  local trigger, open_triggers, later_triggers, waiting = unpack(keys)
  local index, after = open_triggers, tonumber(after_seconds)
  if after > 0 then
    if not redis.call('SET', waiting, trigger_id, 'NX', 'PX', math.ceil(after * 1000)) then
      return
    end
    index = later_triggers
  end
  if redis.call('HSETNX', trigger, 'value', value) == 1 then
    redis.call('EXPIRE', trigger, seconds)
    redis.call('ZADD', index, before(-after), trigger_id)
    redis.call('EXPIRE', index, seconds)
  end
end

local function attach(trigger, runs, open_triggers, trigger_id, run_id, seconds)
  if redis.call('EXISTS', trigger) == 1 then
    redis.call('ZADD', runs, 'NX', stamp, run_id)
    redis.call('EXPIRE', runs, seconds)
    hear_of(open_triggers, trigger_id)
  end
end
