from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import fakeredis
import pytest
from redis import Redis

from tests.fakes.backfills import FakeBackfills
from tests.fakes.clock import ManualClock
from tests.fakes.plans import ACME, JANUARY
from tests.fakes.triggers import FakeTriggers
from worker.adapters.redis_backfills import RedisBackfills
from worker.adapters.redis_broker import Broker
from worker.adapters.redis_triggers import RedisTriggers
from worker.domain.backfill import Backfill, month_trigger, months_of
from worker.domain.billing_period import BillingPeriod
from worker.domain.trigger import Trigger
from worker.ports.triggers import Backfills, Triggers


@dataclass(frozen=True)
class Bench:
    backfills: Backfills
    triggers: Triggers


@pytest.fixture(params=["memory", "fakeredis", "valkey"])
def bench(request: pytest.FixtureRequest, key_leak_check: Callable[[Redis], Redis]) -> Bench:
    """Every backend in turn, empty."""
    if request.param == "memory":
        triggers = FakeTriggers(ManualClock())
        return Bench(FakeBackfills(triggers), triggers)
    if request.param == "fakeredis":
        redis: Redis = fakeredis.FakeRedis(decode_responses=True)
    else:
        redis = Redis.from_url(request.getfixturevalue("clean_valkey_url"), decode_responses=True)
    broker = Broker(key_leak_check(redis))
    return Bench(RedisBackfills(broker), RedisTriggers(broker))


def a_backfill(months: int, max_active: int, name: str = "b1") -> Backfill:
    span = months_of([ACME], JANUARY, BillingPeriod(2024, 1 + months))
    return Backfill(name, max_active, tuple(month_trigger(name, *each) for each in span))


def ids(backfill: Backfill, *positions: int) -> tuple[str, ...]:
    return tuple(backfill.triggers[at].trigger_id for at in positions)


def test_months_begin_in_their_order_and_never_more_than_may_be_active(bench: Bench) -> None:
    asked = a_backfill(months=11, max_active=3)
    bench.backfills.open(asked)

    first, second = bench.backfills.start("b1"), bench.backfills.start("b1")
    bench.backfills.end("b1", first[1])
    third = bench.backfills.start("b1")

    assert (first, second, third) == (ids(asked, 0, 1, 2), (), ids(asked, 3))
    assert bench.backfills.active() == {"b1": ids(asked, 0, 2, 3)}


def test_a_month_that_begins_has_its_trigger_and_one_that_waits_has_none(bench: Bench) -> None:
    asked = a_backfill(months=2, max_active=1)
    bench.backfills.open(asked)

    [begun] = bench.backfills.start("b1")

    assert bench.triggers.get(begun) == asked.triggers[0]
    assert not bench.triggers.state(begun).planned
    with pytest.raises(Exception, match=asked.triggers[1].trigger_id):
        bench.triggers.get(asked.triggers[1].trigger_id)


def test_a_backfill_opened_again_changes_nothing(bench: Bench) -> None:
    asked = a_backfill(months=3, max_active=1)
    bench.backfills.open(asked)
    bench.backfills.start("b1")

    bench.backfills.open(a_backfill(months=5, max_active=4))

    assert bench.backfills.start("b1") == ()
    assert bench.backfills.active() == {"b1": ids(asked, 0)}


def test_the_last_month_ends_the_backfill(bench: Bench) -> None:
    bench.backfills.open(a_backfill(months=2, max_active=5))
    for trigger_id in bench.backfills.start("b1"):
        bench.backfills.end("b1", trigger_id)

    assert bench.backfills.active() == {}
    assert bench.backfills.start("b1") == ()


def test_a_backfill_without_months_is_none(bench: Bench) -> None:
    bench.backfills.open(Backfill("b1", 3, ()))

    assert bench.backfills.active() == {}


def test_backfills_wait_in_lines_of_their_own(bench: Bench) -> None:
    one, other = a_backfill(months=3, max_active=1), a_backfill(months=2, max_active=2, name="b2")
    bench.backfills.open(one)
    bench.backfills.open(other)

    begun = {name: bench.backfills.start(name) for name in ("b1", "b2")}

    assert begun == bench.backfills.active() == {"b1": ids(one, 0), "b2": ids(other, 0, 1)}


def test_a_trigger_may_say_anything_that_a_source_may(bench: Bench) -> None:
    odd = Trigger("b1-öäü", sources=(ACME,), start=JANUARY, background=True)
    bench.backfills.open(Backfill("b1", 1, (odd,)))

    [begun] = bench.backfills.start("b1")

    assert bench.triggers.get(begun) == odd
