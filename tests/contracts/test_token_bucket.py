"""What a token bucket promises, wherever it is kept: in memory, in a fake Redis, in a real server."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import fakeredis
import pytest
import redis
from limits import parse
from limits.storage import StorageTypes, storage_from_string

from tests.servers.valkey import keys_without_ttl
from worker.adapters.token_bucket import TokenBucketLimiter, TokenBucketRateLimiter
from worker.adapters.token_bucket_storage import TokenBucket, TokenBucketRedisStorage
from worker.domain.errors import TransientError


@pytest.fixture(params=["memory", "fake", "valkey"])
def storage(request: pytest.FixtureRequest) -> StorageTypes:
    match request.param:
        case "memory":
            return storage_from_string("tb+memory://")
        case "fake":
            return TokenBucketRedisStorage("tb+redis://fake", fakeredis.FakeRedis(version=7).connection_pool)
        case _:
            return storage_from_string(f"tb+{request.getfixturevalue('clean_valkey_url')}")


def limiter(storage: StorageTypes, capacity: int = 2, rate: float = 10.0) -> TokenBucketLimiter:
    return TokenBucketLimiter(storage, {"s3": TokenBucket(capacity, rate)})


def test_the_third_call_of_a_bucket_of_two_waits_a_tenth_of_a_second(storage: StorageTypes) -> None:
    bucket = limiter(storage)
    started = time.monotonic()

    waits = [bucket.acquire("s3:a") for _ in range(3)]

    assert waits[:2] == [0.0, 0.0]
    assert waits[2] == pytest.approx(0.1, abs=0.03)
    assert time.monotonic() - started >= 0.1


def test_callers_stand_in_line(storage: StorageTypes) -> None:
    waits: list[float] = []
    bucket = TokenBucketLimiter(storage, {"s3": TokenBucket(1, 1.0)}, sleep=waits.append)

    for _ in range(4):
        bucket.acquire("s3:a")

    assert waits == pytest.approx([1.0, 2.0, 3.0], abs=0.3)


def test_a_line_that_is_too_long_is_not_joined(storage: StorageTypes) -> None:
    bucket = TokenBucketLimiter(storage, {"s3": TokenBucket(1, 1.0)}, longest_wait_seconds=1.5, sleep=lambda _: None)
    for _ in range(2):
        bucket.acquire("s3:a")

    refusals = []
    for _ in range(2):
        with pytest.raises(TransientError) as caught:
            bucket.acquire("s3:a")
        refusals.append(caught.value)

    assert [each.code for each in refusals] == ["rate_limited"] * 2
    assert [each.retry_after_seconds for each in refusals] == pytest.approx([2.0, 2.0], abs=0.3)


def test_several_tokens_are_taken_together_or_not_at_all(storage: StorageTypes) -> None:
    bucket = limiter(storage, capacity=3, rate=0.1)

    taken = [bucket.allow_n("s3:a", 2), bucket.allow_n("s3:a", 2), bucket.allow_n("s3:a", 1)]

    assert taken == [True, False, True]
    assert bucket.available("s3:a") == 0


def test_more_than_the_capacity_is_refused_at_once(storage: StorageTypes) -> None:
    bucket = limiter(storage, capacity=3)

    assert not bucket.allow_n("s3:a", 4)
    assert bucket.available("s3:a") == 3


def test_a_bucket_never_holds_more_than_its_capacity(storage: StorageTypes) -> None:
    bucket = limiter(storage, capacity=2, rate=1000.0)
    bucket.allow_n("s3:a", 2)
    bucket.acquire("s3:a")

    assert bucket.available("s3:a") <= 2


def test_a_reset_makes_the_bucket_full(storage: StorageTypes) -> None:
    bucket = limiter(storage, rate=0.1)
    bucket.allow_n("s3:a", 2)

    bucket.reset("s3:a")

    assert bucket.available("s3:a") == 2


def test_when_the_service_asks_for_a_pause_everybody_stands_back(storage: StorageTypes) -> None:
    waits: list[float] = []
    bucket = TokenBucketLimiter(storage, {"s3": TokenBucket(5, 10.0)}, sleep=waits.append)

    bucket.push_back("s3:a", 3.0)

    assert bucket.available("s3:a") == 0
    assert not bucket.allow_n("s3:a")
    assert bucket.acquire("s3:a") == pytest.approx(3.1, abs=0.3)


def test_a_shorter_pause_does_not_end_a_longer_one(storage: StorageTypes) -> None:
    bucket = TokenBucketLimiter(storage, {"s3": TokenBucket(5, 10.0)}, sleep=lambda _: None)
    bucket.push_back("s3:a", 5.0)

    bucket.push_back("s3:a", 1.0)

    assert bucket.acquire("s3:a") == pytest.approx(5.1, abs=0.3)


def test_buckets_of_one_family_are_apart(storage: StorageTypes) -> None:
    bucket = limiter(storage, rate=0.1)
    bucket.allow_n("s3:a", 2)

    assert bucket.available("s3:b") == 2


def test_fifty_threads_lose_no_token_and_make_none(storage: StorageTypes) -> None:
    bucket = limiter(storage, capacity=100, rate=0.001)

    with ThreadPoolExecutor(50) as pool:
        granted = sum(pool.map(lambda _: bucket.allow_n("s3:a"), range(150)))

    assert granted == 100


def test_any_limit_of_the_package_can_be_kept_as_a_bucket(storage: StorageTypes) -> None:
    strategy = TokenBucketRateLimiter(storage)
    item = parse("2 per 20 seconds")

    hits = [strategy.hit(item, "somebody") for _ in range(3)]
    stats = strategy.get_window_stats(item, "somebody")

    assert hits == [True, True, False]
    assert not strategy.test(item, "somebody")
    assert stats.remaining == 0
    assert stats.reset_time - time.time() == pytest.approx(20, abs=1.5)  # noqa: TID251 - what `limits` measures in


def test_every_key_expires(clean_valkey_url: str) -> None:
    bucket = limiter(storage_from_string(f"tb+{clean_valkey_url}"), rate=0.1)
    with redis.Redis.from_url(clean_valkey_url) as server:
        bucket.acquire("s3:a")
        bucket.push_back("s3:b", 60)

        keys = sorted(key.decode() for key in server.scan_iter("*"))

        assert keys == ["offgridflow:limit:s3:a", "offgridflow:limit:s3:b"]
        assert keys_without_ttl(server) == []


def test_buckets_that_are_not_full_say_how_they_stand(storage: StorageTypes) -> None:
    bucket = TokenBucketLimiter(storage, {"s3": TokenBucket(2, 0.1)}, sleep=lambda _: None)
    TokenBucketLimiter(storage, {"other": TokenBucket(2, 0.1)}).acquire("other:a")
    for name in ("s3:b", "s3:a", "s3:a", "s3:a"):
        bucket.acquire(name)

    in_debt, partly = bucket.levels()

    assert [(each.bucket, each.capacity, each.rate_per_second) for each in (in_debt, partly)] == [
        ("s3:a", 2, 0.1),
        ("s3:b", 2, 0.1),
    ]
    assert (in_debt.tokens, in_debt.wait_seconds) == pytest.approx((-1, 20), abs=0.5)
    assert (partly.tokens, partly.wait_seconds) == pytest.approx((1, 0), abs=0.5)
