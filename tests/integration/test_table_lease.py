from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from redis import Redis

from tests.servers.valkey import free_port
from tests.waiting import until
from worker.adapters.redis_keys import key
from worker.adapters.table_lease import TableLease
from worker.domain.errors import TransientError

ORG = "org-123"
NOBODY = f"redis://127.0.0.1:{free_port()}/0"


@pytest.fixture
def redis(clean_valkey_url: str, key_leak_check: Callable[[Redis], Redis]) -> Redis:
    return key_leak_check(Redis.from_url(clean_valkey_url))


def tries(redis: Redis) -> int:
    """How often anybody has tried to take a turn on the server."""
    stats = redis.info("commandstats")
    return int(stats.get("cmdstat_set", {"calls": 0})["calls"])


def test_a_publisher_waits_until_the_turn_of_another_ends(clean_valkey_url: str, redis: Redis) -> None:
    lease, order = TableLease(clean_valkey_url), list[str]()

    def publish() -> None:
        with TableLease(clean_valkey_url)(ORG):
            order.append("publisher")

    with lease.required(ORG):
        before = tries(redis)
        publisher = threading.Thread(target=publish)
        publisher.start()
        until(lambda: tries(redis) > before)
        order.append("vacuum")
    publisher.join()

    assert order == ["vacuum", "publisher"]


def test_orgs_do_not_wait_for_each_other(clean_valkey_url: str, redis: Redis) -> None:
    lease = TableLease(clean_valkey_url)

    with lease.required(ORG) as require, lease.required("org-9") as require_other:
        require()
        require_other()

    assert redis.keys("offgridflow:table:*") == []


def test_a_turn_that_is_needed_is_renewed_for_as_long_as_it_lasts(clean_valkey_url: str, redis: Redis) -> None:
    started = time.monotonic()

    with TableLease(clean_valkey_url, hold_seconds=0.4).required(ORG) as require:
        until(lambda: time.monotonic() - started > 1.2)

        require()
        assert redis.exists(key("table", ORG))


def test_a_turn_that_was_lost_is_noticed(clean_valkey_url: str, redis: Redis) -> None:
    with TableLease(clean_valkey_url, hold_seconds=0.4).required(ORG) as require:
        redis.set(key("table", ORG), "somebody else", ex=30)

        def is_noticed() -> bool:
            with suppress(TransientError):
                require()
                return False
            return True

        assert until(is_noticed)

    assert redis.get(key("table", ORG)) == b"somebody else"


def test_a_publisher_goes_without_the_turn_that_cannot_be_had() -> None:
    with TableLease(NOBODY)(ORG):
        pass


def test_who_needs_the_turn_does_not_go_without() -> None:
    with pytest.raises(TransientError, match=ORG), TableLease(NOBODY).required(ORG):
        pytest.fail("it went without")
