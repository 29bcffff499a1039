"""Celery's results on Redis, without anybody who waits for one."""

from __future__ import annotations

from typing import Any

from celery.backends.redis import RedisBackend


class ChordBackend(RedisBackend):
    """Counts a chord's files. Their outcomes are in the ledger, and no task has a result.

    Celery would subscribe whoever sends a chord to the result of each of its tasks, and keep both the subscription and an
    object until that comes: with us never, so that a coordinator and the server would grow with every file of every month.
    """

    def add_pending_result(self, result: Any, *_args: Any, **_options: Any) -> Any:
        """Nothing is to be heard of it."""
        return result
