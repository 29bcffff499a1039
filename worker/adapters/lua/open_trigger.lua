-- Keeps a trigger: see `open_trigger`.
open_trigger(KEYS, ARGV[1], ARGV[2], ARGV[3], ARGV[4])
