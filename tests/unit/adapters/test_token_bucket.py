"""What the limiter adds to its bucket: families, waiting that can be ended, and refusing when nobody counts."""

from __future__ import annotations

import pytest
from limits.storage import MemoryStorage, StorageTypes, storage_from_string

from worker.adapters.token_bucket import TokenBucketLimiter, TokenBucketRateLimiter
from worker.adapters.token_bucket_storage import TokenBucket
from worker.domain.errors import BadRequestError, TransientError


class CancelledError(Exception):
    """Whoever waited was told to stop."""


@pytest.fixture
def storage() -> StorageTypes:
    return storage_from_string("tb+memory://")


def test_a_family_has_its_own_capacity(storage: StorageTypes) -> None:
    families = {"s3": TokenBucket(100, 5.0), "sustainability": TokenBucket(10, 2.0)}
    limiter = TokenBucketLimiter(storage, families)

    available = [limiter.available(f"{family}:0f3a") for family in families]

    assert available == [100, 10]


def test_a_family_without_a_rate_is_a_mistake(storage: StorageTypes) -> None:
    with pytest.raises(BadRequestError, match="ec2"):
        TokenBucketLimiter(storage, {"s3": TokenBucket(1, 1.0)}).acquire("ec2:a")


def test_a_cancelled_wait_ends_at_once(storage: StorageTypes) -> None:
    def stop(seconds: float) -> None:
        raise CancelledError(seconds)

    limiter = TokenBucketLimiter(storage, {"s3": TokenBucket(1, 0.1)}, sleep=stop)
    limiter.acquire("s3:a")

    with pytest.raises(CancelledError):
        limiter.acquire("s3:a")


def test_without_redis_no_token_is_given() -> None:
    away = storage_from_string("tb+redis://:hunter2@127.0.0.1:1/0")
    limiter = TokenBucketLimiter(away, {"s3": TokenBucket(100, 5.0)})

    with pytest.raises(TransientError) as caught:
        limiter.acquire("s3:a")

    assert "OFFGRIDFLOW_BROKER_URL" in caught.value.remedy
    assert "hunter2" not in repr(caught.value)


def test_a_storage_that_keeps_no_buckets_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="MemoryStorage"):
        TokenBucketRateLimiter(MemoryStorage())


def test_a_bucket_whose_rate_is_changed_keeps_its_debt(storage: StorageTypes) -> None:
    TokenBucketLimiter(storage, {"s3": TokenBucket(10, 0.01)}).allow_n("s3:a", 10)

    assert TokenBucketLimiter(storage, {"s3": TokenBucket(10, 0.02)}).available("s3:a") == 0
