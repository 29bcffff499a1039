-- A trigger learns of a run that serves it.
local trigger, runs, open_triggers = KEYS[1], KEYS[2], KEYS[3]
local trigger_id, run_id, seconds = ARGV[1], ARGV[2], ARGV[3]

attach(trigger, runs, open_triggers, trigger_id, run_id, seconds)
