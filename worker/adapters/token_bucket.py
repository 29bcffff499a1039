"""A token bucket shared by all workers: a strategy of the `limits` package, and our RateLimiter on top of it.

A bucket is an average rate with a burst: in any t seconds it gives at most ``capacity + rate * t`` tokens. Callers reserve.
A token that does not exist yet is promised, with the seconds until it does, so nobody overtakes and nobody asks twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import floor

import redis
from limits import RateLimitItem, WindowStats
from limits.storage import StorageTypes
from limits.strategies import RateLimiter

from worker.adapters.token_bucket_storage import Draw, TokenBucket, TokenBucketSupport
from worker.domain.errors import BadRequestError, TransientError
from worker.ports.limits import BucketLevel

LONGEST_WAIT_SECONDS = 60.0
"""Far below the 15 minutes for which a signature holds: a request is signed before it waits."""

_NOBODY_CANCELS = threading.Event()

ROUNDING = 1e-3
"""The part of a token that arithmetic may lose: 1.9999 tokens are two."""


class TokenBucketRateLimiter(RateLimiter):
    """The strategy. Any item of `limits` is a bucket that fills in the item's period; a `TokenBucket` says it plainly."""

    def __init__(self, storage: StorageTypes) -> None:
        if not isinstance(storage, TokenBucketSupport):
            raise NotImplementedError(f"{type(storage).__name__} keeps no token buckets")
        super().__init__(storage)
        self._buckets = storage

    def hit(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        """Take the tokens now, or none of them."""
        return self.reserve(item, *identifiers, cost=cost).granted

    def test(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        """Whether a hit would succeed now."""
        return self.get_window_stats(item, *identifiers).remaining >= cost

    def get_window_stats(self, item: RateLimitItem, *identifiers: str) -> WindowStats:
        """When the bucket will be full, and how many tokens it has now."""
        tokens = self.reserve(item, *identifiers, cost=0).tokens
        return WindowStats(self.storage.get_expiry(item.key_for(*identifiers)), max(0, floor(tokens + ROUNDING)))

    def reserve(self, item: RateLimitItem, *identifiers: str, cost: int = 1, longest_wait: float = 0.0) -> Draw:
        """Take the tokens, to be used once the draw's wait is over; or none, if that is longer than ``longest_wait``."""
        return self._buckets.draw(item.key_for(*identifiers), _bucket(item), cost, longest_wait, 0.0)

    def push_back(self, item: RateLimitItem, *identifiers: str, seconds: float) -> None:
        """Give no further token for so long. What was promised before stays promised."""
        self._buckets.draw(item.key_for(*identifiers), _bucket(item), 0, 0.0, seconds)

    def names(self) -> tuple[str, ...]:
        """The buckets that may not be full."""
        return self._buckets.names()


def _bucket(item: RateLimitItem) -> TokenBucket:
    return item if isinstance(item, TokenBucket) else TokenBucket(item.amount, item.amount / item.get_expiry())


class TokenBucketLimiter:
    """`worker.ports.limits.RateLimiter`. A bucket's family, the part of its name before ``:``, says its capacity and rate.

    It fails closed: with Redis away every call is a TransientError, for a token that nobody counts is not polite.
    ``sleep`` waits for a promised token; what it raises ends the wait at once, and the token is lost.
    """

    def __init__(
        self,
        storage: StorageTypes,
        families: Mapping[str, TokenBucket],
        *,
        longest_wait_seconds: float = LONGEST_WAIT_SECONDS,
        sleep: Callable[[float], object] = _NOBODY_CANCELS.wait,
    ) -> None:
        self._strategy = TokenBucketRateLimiter(storage)
        self._families = families
        self._longest_wait = longest_wait_seconds
        self._sleep = sleep

    def acquire(self, bucket: str) -> float:
        """Take one token, waiting for it in line; returns the seconds waited.

        TransientError when the line is longer than we would wait; it says when to come back, and takes no token.
        """
        with _failing_closed():
            draw = self._strategy.reserve(self._item(bucket), bucket, longest_wait=self._longest_wait)
        if not draw.granted:
            raise TransientError(
                f"{draw.wait_seconds:.0f} seconds of requests are waiting before this one",
                "rate_limited",
                retry_after_seconds=draw.wait_seconds,
            )
        if draw.wait_seconds:
            self._sleep(draw.wait_seconds)
        return draw.wait_seconds

    def allow_n(self, bucket: str, n: int = 1) -> bool:
        """Take ``n`` tokens now or none at all; more than the capacity are refused at once."""
        with _failing_closed():
            return self._strategy.hit(self._item(bucket), bucket, cost=n)

    def available(self, bucket: str) -> int:
        """How many tokens could be taken now."""
        with _failing_closed():
            return self._strategy.get_window_stats(self._item(bucket), bucket).remaining

    def reset(self, bucket: str) -> None:
        """Make the bucket full."""
        with _failing_closed():
            self._strategy.clear(self._item(bucket), bucket)

    def levels(self) -> tuple[BucketLevel, ...]:
        """How every bucket stands that is not full."""
        with _failing_closed():
            names = [each for each in self._strategy.names() if each.partition(":")[0] in self._families]
            return tuple(self._level(each, self._item(each)) for each in names)

    def _level(self, bucket: str, item: TokenBucket) -> BucketLevel:
        tokens = self._strategy.reserve(item, bucket, cost=0).tokens
        wait = max(0.0, 1 - ROUNDING - tokens) / item.rate
        return BucketLevel(bucket, tokens, wait, item.amount, item.rate)

    def push_back(self, bucket: str, seconds: float) -> None:
        """All workers stand back: the service asked for a pause."""
        with _failing_closed():
            self._strategy.push_back(self._item(bucket), bucket, seconds=seconds)

    def _item(self, bucket: str) -> TokenBucket:
        family = bucket.partition(":")[0]
        if family not in self._families:
            raise BadRequestError(f"no rate is set for requests of the family {family}")
        return self._families[family]


@contextmanager
def _failing_closed() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise TransientError(
            "the rate limiter cannot be reached, so no request is made",
            type(error).__name__,
            "check that Redis at OFFGRIDFLOW_BROKER_URL is up",
        ) from error
