"""Taking turns at an org's table. For speed only: who goes without is refused by the commit, and decides again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from redis import Redis
from redis.exceptions import LockError, RedisError

from worker.adapters.redis_keys import key

HOLD_SECONDS = 30.0
"""A commit takes about 0.1 s; a publisher that died keeps the others waiting for no longer than this."""

TIMEOUT_SECONDS = 5.0


class TableLease:
    """A lock for each org, in Redis. With Redis away, or the wait too long, the work goes on without."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)

    @contextmanager
    def __call__(self, org_id: str) -> Iterator[None]:
        """Hold the org's table while the block runs."""
        lock = self._redis.lock(key("table", org_id), timeout=HOLD_SECONDS, blocking_timeout=HOLD_SECONDS)
        with suppress(RedisError):
            lock.acquire()
        try:
            yield
        finally:
            with suppress(LockError, RedisError):
                lock.release()
