"""Where token buckets are kept: in Redis for all workers, in memory for one process. Storages of the `limits` package."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from importlib.resources import files
from math import ceil
from typing import NamedTuple

import redis
from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage, RedisStorage
from redis.backoff import NoBackoff
from redis.retry import Retry

from worker.adapters import redis_keys

TIMEOUT_SECONDS = 5.0
MICROSECOND = 1e-6

SCAN_KEYS = 1000
"""Keys that the server looks at in one step: it serves others in between."""


class TokenBucket(RateLimitItemPerSecond):
    """How many tokens a bucket holds, and how many it gains per second."""

    __slots__ = ("rate",)

    def __init__(self, capacity: int, rate: float) -> None:
        super().__init__(capacity)
        self.rate = rate

    def get_expiry(self) -> int:
        """Seconds in which an empty bucket fills."""
        return ceil(self.amount / self.rate)

    def key_for(self, *identifiers: bytes | str | float) -> str:
        """The bucket's name alone, so that a bucket whose rate is changed keeps its state."""
        return ":".join(map(str, identifiers))


class Draw(NamedTuple):
    """What came of asking for tokens. ``tokens`` are left; below zero, that many are promised already."""

    granted: bool
    wait_seconds: float
    tokens: float


class TokenBucketSupport(ABC):
    """A storage that keeps token buckets."""

    @abstractmethod
    def draw(self, key: str, bucket: TokenBucket, cost: int, longest_wait: float, stand_back: float) -> Draw:
        """Take ``cost`` tokens, all or none, if the wait for them is at most ``longest_wait`` seconds.

        Before that the bucket is held back, if need be, so that it gives no token for ``stand_back`` seconds.
        """

    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The buckets that may not be full, in order."""


class TokenBucketRedisStorage(RedisStorage, TokenBucketSupport):
    """Buckets in Redis: one script decides, by the server's clock. A key expires when its bucket is full again."""

    STORAGE_SCHEME = ["tb+redis", "tb+rediss", "tb+redis+unix"]  # noqa: RUF012 - a list to `limits`
    SCRIPT = files("worker.adapters").joinpath("lua", "token_bucket.lua").read_text()

    def __init__(self, uri: str, connection_pool: redis.ConnectionPool | None = None) -> None:
        super().__init__(
            uri.removeprefix("tb+"),
            connection_pool,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
        )
        # Whoever asks will come again: a lost connection is worth one more try, and no wait.
        self.storage.set_retry(Retry(NoBackoff(), 1))
        self._script = self.storage.register_script(self.SCRIPT)

    def prefixed_key(self, key: str) -> str:
        """Where the bucket is kept."""
        return redis_keys.key("limit", key)

    def draw(self, key: str, bucket: TokenBucket, cost: int, longest_wait: float, stand_back: float) -> Draw:
        """See `TokenBucketSupport.draw`; how, the script explains."""
        arguments = bucket.amount, bucket.rate, cost, longest_wait / MICROSECOND, stand_back / MICROSECOND
        granted, wait, tokens = self._script([self.prefixed_key(key)], arguments)
        return Draw(bool(granted), wait * MICROSECOND, float(tokens))

    def names(self) -> tuple[str, ...]:
        """See `TokenBucketSupport.names`; a full bucket has no key."""
        prefix = self.prefixed_key("")
        found = self.storage.scan_iter(f"{prefix}*", count=SCAN_KEYS)
        keys = (key.decode() if isinstance(key, bytes) else key for key in found)
        return tuple(sorted(key.removeprefix(prefix) for key in keys))


class TokenBucketMemoryStorage(MemoryStorage, TokenBucketSupport):
    """Buckets of one process, by its own clock. No other process sees them."""

    STORAGE_SCHEME = ["tb+memory"]  # noqa: RUF012 - a list to `limits`

    def __init__(self, uri: str | None = None) -> None:
        super().__init__(uri)
        self._one_at_a_time = threading.Lock()

    def draw(self, key: str, bucket: TokenBucket, cost: int, longest_wait: float, stand_back: float) -> Draw:
        """See `TokenBucketSupport.draw`. As in Redis, a bucket is the moment at which it will be full."""
        whole = bucket.amount / bucket.rate
        with self._one_at_a_time:
            now = time.time()  # noqa: TID251 - the clock that `limits` itself reads for its expirations
            full_at = max(self.expirations.get(key, 0.0), now)
            if stand_back:
                full_at = max(full_at, now + whole + stand_back)
            wait = max(0.0, full_at + cost / bucket.rate - now - whole)
            granted = cost <= bucket.amount and wait <= longest_wait + MICROSECOND
            if granted:
                full_at += cost / bucket.rate
            self.expirations[key] = full_at
        return Draw(granted, wait, (now + whole - full_at) * bucket.rate)

    def names(self) -> tuple[str, ...]:
        """See `TokenBucketSupport.names`."""
        return tuple(sorted(self.expirations))
