from __future__ import annotations

from tests.fakes.plans import plan_of
from tests.fakes.world import FakeWorld
from worker.services.watching import observe


def test_each_queue_is_told_with_the_age_of_its_oldest_message(fake: FakeWorld) -> None:
    fake.backlog.queues = {"files": [fake.clock.now(), fake.clock.now()]}
    fake.clock.advance(90)

    observe(fake.world, ("files", "control"))

    assert fake.telemetry.of("queue.observed") == [
        {"queue": "files", "depth": 2, "oldest_seconds": 90.0},
        {"queue": "control", "depth": 0, "oldest_seconds": 0.0},
    ]


def test_runs_in_flight_are_told(fake: FakeWorld) -> None:
    fake.ledger.open(plan_of("a.csv"), "t1")

    observe(fake.world, ())

    assert fake.telemetry.of("runs.observed") == [{"active": 1}]
