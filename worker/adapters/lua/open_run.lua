-- Opens the next attempt of a plan, or finds the newest one still running; either way the trigger learns of it.
-- Answers nothing when the newest attempt is no longer the one that the caller saw.
local attempts, newest, active, recent = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local previous, run, files, pending = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local trigger, trigger_runs, open_triggers = KEYS[9], KEYS[10], KEYS[11]
local seen, previous_id, run_id, plan, requests = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local running_seconds, closed_seconds, attempts_seconds = ARGV[6], ARGV[7], ARGV[8]
local trigger_id, trigger_seconds, total = ARGV[9], ARGV[10], ARGV[11]
local first_digest = 12

-- Arguments from..to appended to the command, in slices: Lua's stack takes some 8,000 at once.
local function call_with(command, key, from, to)
  for at = from, to, 1000 do
    redis.call(command, key, unpack(ARGV, at, math.min(at + 999, to)))
  end
  redis.call('EXPIRE', key, running_seconds)
end

if (redis.call('GET', attempts) or '0') ~= seen then
  return nil
end
if redis.call('HGET', previous, 'state') == 'running' then
  attach(trigger, trigger_runs, open_triggers, trigger_id, previous_id, trigger_seconds)
  return {previous_id, 0}
end

call_with('SADD', pending, first_digest, first_digest + total - 1)
call_with('HSET', files, first_digest + total, #ARGV)
redis.call('SET', attempts, string.format('%d', seen + 1), 'EX', attempts_seconds)
redis.call('SET', newest, run_id, 'EX', closed_seconds)
redis.call('ZREMRANGEBYSCORE', recent, '-inf', before(closed_seconds))
redis.call('ZADD', recent, stamp, run_id)
redis.call('EXPIRE', recent, closed_seconds)
redis.call('ZADD', active, stamp, run_id)
redis.call('EXPIRE', active, running_seconds)
redis.call('HSET', run, 'plan', plan, 'total', total, 'requests', requests, 'opened', stamp, 'moved', stamp,
  'expires', string.format('%d', now + running_seconds), 'state', 'running')
redis.call('EXPIRE', run, running_seconds)
attach(trigger, trigger_runs, open_triggers, trigger_id, run_id, trigger_seconds)
return {run_id, 1}
