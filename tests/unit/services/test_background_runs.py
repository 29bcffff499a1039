"""A month of a backfill gives way to others from its plan on, whatever becomes of it."""

from __future__ import annotations

from dataclasses import replace

from tests.fakes.plans import ACME, JANUARY, plan_of
from tests.fakes.world import FakeWorld, month, never
from worker.domain.backfill import Backfill, month_trigger
from worker.services.coordinate import coordinate
from worker.services.dispatch import Dispatch
from worker.services.plan_again import same_month
from worker.services.repair_runs import repair_runs

TRIGGER = month_trigger("b1", ACME, JANUARY)


def test_its_files_are_sent_in_the_background(fake: FakeWorld) -> None:
    fake.deliver(month("2024-01"))
    fake.ledger.triggers.open(TRIGGER)

    [sent] = coordinate(fake.world, TRIGGER, TRIGGER.sources, never)

    assert sent.background
    assert not any(each.background for each in fake.send(trigger_id="t2"))


def test_so_are_files_that_were_lost(fake: FakeWorld) -> None:
    plan = replace(plan_of("a.csv"), background=True)
    run_id, _ = fake.ledger.open(plan, TRIGGER.trigger_id)
    fake.clock.advance(fake.repairer.patience.stale_seconds)

    dispatches, _ = repair_runs(fake.world, files_queue_is_empty=True)

    assert dispatches == (Dispatch(run_id, (plan.files[0].digest,), generation=1, background=True),)


def test_so_is_the_month_when_it_is_planned_again() -> None:
    assert same_month(replace(plan_of("a.csv"), background=True), "t2").background


def test_the_watchdog_begins_months_whose_turn_has_come(fake: FakeWorld) -> None:
    fake.world.backfills.open(Backfill("b1", 1, (TRIGGER,)))

    _, triggers = repair_runs(fake.world, files_queue_is_empty=True)

    assert triggers == (TRIGGER.trigger_id,)
