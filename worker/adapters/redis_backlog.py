"""What waits in the broker: messages for workers, and runs for their end."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from worker.adapters import redis_keys as keys
from worker.adapters.redis_broker import Broker
from worker.adapters.system_clock import SystemClock

SENT_AT = "sent_at"
"""A header of our messages: when they were sent, in Unix time. Celery itself says nowhere."""


def sent_now() -> dict[str, float]:
    """The header of a message that is sent now."""
    return {SENT_AT: SystemClock().now().timestamp()}


class RedisBacklog:
    """`Backlog` on a broker. A queue is a list that Celery takes from the right."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def waiting(self, queue: str) -> tuple[int, datetime | None]:
        """How many messages wait, and since when the next one does; None when none waits, or it does not say."""
        depth, oldest = self._broker.read(("LLEN", queue), ("LINDEX", queue, -1))
        return int(depth), _sent_at(oldest)

    def active_runs(self) -> int:
        """How many runs are in flight."""
        [active] = self._broker.read(("ZCARD", keys.ACTIVE_RUNS))
        return int(active)


def _sent_at(message: str | None) -> datetime | None:
    sent = json.loads(message).get("headers", {}).get(SENT_AT) if message else None
    return datetime.fromtimestamp(sent, UTC) if sent else None
