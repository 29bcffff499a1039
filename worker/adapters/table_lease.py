"""Taking turns at an org's table.

For publishers it is for speed only: who goes without is refused by the commit, and decides again. Who deletes must have it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from redis import Redis
from redis.exceptions import LockError, RedisError
from redis.lock import Lock

from worker.adapters.redis_keys import key
from worker.domain.errors import TransientError

HOLD_SECONDS = 30.0
"""A commit takes about 0.1 s; a publisher that died keeps the others waiting for no longer than this."""

RENEWALS = 4
"""How often a turn that is needed is renewed in the time that it would last."""

TIMEOUT_SECONDS = 5.0


class TableLease:
    """A lock for each org, in Redis. With Redis away, or the wait too long, the work goes on without."""

    def __init__(self, url: str, hold_seconds: float = HOLD_SECONDS) -> None:
        self._hold_seconds = hold_seconds
        self._redis = Redis.from_url(url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)

    @contextmanager
    def __call__(self, org_id: str) -> Iterator[None]:
        """Hold the org's table while the block runs."""
        lock = self._lock(org_id)
        with suppress(RedisError):
            lock.acquire()
        try:
            yield
        finally:
            with suppress(LockError, RedisError):
                lock.release()

    @contextmanager
    def required(self, org_id: str) -> Iterator[Callable[[], None]]:
        """Hold the org's table for as long as the block runs; yields a check that raises if it was lost all the same.

        TransientError when it cannot be had.
        """
        lock = self._lock(org_id)
        try:
            held = lock.acquire()
        except RedisError as error:
            raise _no_turn(org_id) from error
        if not held:
            raise _no_turn(org_id)
        try:
            with _renewed(lock) as lost:
                yield lambda: _require(lost, org_id)
        finally:
            with suppress(LockError, RedisError):
                lock.release()

    def _lock(self, org_id: str) -> Lock:
        # The renewing thread has to know the lock's token, too.
        hold, wait = self._hold_seconds, HOLD_SECONDS
        lock: Lock = self._redis.lock(key("table", org_id), timeout=hold, blocking_timeout=wait, thread_local=False)
        return lock


@contextmanager
def _renewed(lock: Lock) -> Iterator[threading.Event]:
    """Renew the lock until the block ends; yields what is set once it was lost."""
    done, lost = threading.Event(), threading.Event()
    every = float(lock.timeout or HOLD_SECONDS) / RENEWALS

    def renew() -> None:
        while not done.wait(every):
            try:
                lock.reacquire()
            except (LockError, RedisError):
                lost.set()
                return

    renewer = threading.Thread(target=renew, name="table-lease", daemon=True)
    renewer.start()
    try:
        yield lost
    finally:
        done.set()
        renewer.join()


def _require(lost: threading.Event, org_id: str) -> None:
    if lost.is_set():
        raise _no_turn(org_id)


def _no_turn(org_id: str) -> TransientError:
    message = f"the turn at the table of {org_id} cannot be had, or was lost"
    return TransientError(
        message, "contention", "try again when fewer runs publish; check that the broker can be reached"
    )
