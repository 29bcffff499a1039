"""Time that passes for the dead alone, so that nobody has to wait for it.

Who was killed renews nothing and acknowledges nothing: a minute later its leases are old, two hours later its messages are.
Here only their marks are moved, in the broker; whoever acts on them is the product's own.
"""

from __future__ import annotations

from redis import Redis

from worker.adapters.redis_keys import ACTIVE_RUNS, RunKeys, key

LEASE_SECONDS = 60.0
VISIBILITY_SECONDS = 7200.0
UNACKED = "unacked_index"
"""Where kombu keeps which message was taken when."""

LOOKING = "unacked_mutex"
"""Whose turn it is to look there."""


def let_leases_age(broker: str, worker: str) -> None:
    """A lease's time passes for the files that this worker held."""
    with Redis.from_url(broker, decode_responses=True) as redis:
        for run in map(RunKeys.of, redis.zrange(ACTIVE_RUNS, 0, -1)):
            for digest, token in redis.hgetall(run.holders).items():
                if f"/{worker}@" in token:
                    redis.zadd(run.leases, {digest: -LEASE_SECONDS}, xx=True, incr=True)


def let_messages_age(broker: str) -> int:
    """The visibility timeout passes for every message that was taken and not acknowledged; returns how many there are.

    So does the turn of whoever was killed while it looked for such messages: kombu grants five minutes.
    """
    with Redis.from_url(broker, decode_responses=True) as redis:
        redis.delete(LOOKING)
        taken = redis.zrange(UNACKED, 0, -1)
        for tag in taken:
            redis.zadd(UNACKED, {tag: -VISIBILITY_SECONDS}, xx=True, incr=True)
        return len(taken)


def let_turns_end(broker: str) -> None:
    """Whoever had a turn at a table is dead, and was waited for long enough."""
    with Redis.from_url(broker) as redis:
        for turn in redis.scan_iter(key("table", "*")):
            redis.delete(turn)
