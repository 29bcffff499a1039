"""Where the run ledger's contract is tested: in memory, on fakeredis, on a real Valkey."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import fakeredis
import pytest
from redis import Redis

from tests.fakes.clock import ManualClock
from tests.fakes.ledger import FakeLedger
from tests.fakes.repairer import FakeRepairer
from tests.waiting import until
from worker.adapters.redis_broker import Broker
from worker.adapters.redis_leases import RedisFileLeases
from worker.adapters.redis_ledger import RedisRunLedger
from worker.adapters.redis_repairer import Patience, RedisRepairer
from worker.adapters.redis_triggers import RedisTriggers
from worker.domain.plan import Slot
from worker.ports.ledger import FileLeases, Repairer, Repairs, RunLedger
from worker.ports.triggers import Triggers

ENDLESS = Patience(
    lease_seconds=1e6, stale_seconds=1e6, crowded_seconds=1e6, publish_after_seconds=1e6, deadline_seconds=1e6
)
"""Takes nothing for lost; a test replaces the one threshold that it is about."""


class Ledger(RunLedger, Protocol):
    """The port, and what else the ledger's own classes promise."""

    def newest(self, slot: Slot) -> str | None: ...


class Leases(FileLeases, Protocol):
    """The port, and what else the leases' own classes promise."""

    def deliveries(self, run_id: str) -> Mapping[str, int]: ...


@dataclass(frozen=True)
class Bench:
    """One ledger and its parts. ``tick`` lets a little of its time pass; ``repairer`` is one with this patience."""

    ledger: Ledger
    leases: Leases
    triggers: Triggers
    repairer: Callable[[Patience], Repairer]
    now: Callable[[], float]
    tick: Callable[[], object]

    def look(self, patience: Patience, *, queue_is_empty: bool = True) -> tuple[Repairs, ...]:
        """What a watchdog of this patience finds now."""
        return self.repairer(patience).inspect(files_queue_is_empty=queue_is_empty)

    def found(self, patience: Patience, *, queue_is_empty: bool = True) -> tuple[Repairs, ...]:
        """What a watchdog of this patience finds as soon as it finds something."""
        return until(lambda: self.look(patience, queue_is_empty=queue_is_empty), tick=self.tick)

    def after(self, seconds: float) -> None:
        """Come back once so much of the ledger's own time has passed."""
        start = self.now()
        until(lambda: self.now() - start >= seconds, tick=self.tick)


@pytest.fixture(params=["memory", "fakeredis", "valkey"])
def bench(request: pytest.FixtureRequest, key_leak_check: Callable[[Redis], Redis]) -> Bench:
    """Every backend in turn, empty."""
    if request.param == "memory":
        return _in_memory()
    if request.param == "fakeredis":
        return _on_redis(key_leak_check(fakeredis.FakeRedis(decode_responses=True)))
    url = request.getfixturevalue("clean_valkey_url")
    return _on_redis(key_leak_check(Redis.from_url(url, decode_responses=True)))


def _in_memory() -> Bench:
    clock = ManualClock()
    ledger = FakeLedger(clock)
    return Bench(
        ledger=ledger,
        leases=ledger,
        triggers=ledger.triggers,
        repairer=lambda patience: FakeRepairer(ledger, patience),
        now=lambda: clock.now().timestamp(),
        tick=lambda: clock.advance(0.05),
    )


def _on_redis(redis: Redis) -> Bench:
    broker = Broker(redis)
    return Bench(
        ledger=RedisRunLedger(broker),
        leases=RedisFileLeases(broker),
        triggers=RedisTriggers(broker),
        repairer=lambda patience: RedisRepairer(broker, patience),
        now=time.monotonic,
        tick=lambda: threading.Event().wait(0.01),
    )
