from __future__ import annotations

from tests.fakes.plans import ACME, JANUARY
from tests.fakes.world import FakeWorld, month
from worker.domain.backfill import Backfill, month_trigger, months_of
from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import AuthError, TransientError
from worker.domain.outcome import RunState
from worker.services.advance_backfills import advance_backfills
from worker.services.plan_again import HEAL_SECONDS

MONTHS = ("2024-01", "2024-02", "2024-03")


def ask_for(fake: FakeWorld, max_active: int) -> Backfill:
    """A backfill of three months, opened."""
    months = months_of([ACME], JANUARY, BillingPeriod(2024, 4))
    asked = Backfill("b1", max_active, tuple(month_trigger("b1", *each) for each in months))
    fake.world.backfills.open(asked)
    return asked


def work(fake: FakeWorld, trigger_ids: tuple[str, ...]) -> None:
    """Do what these triggers ask for."""
    for trigger_id in trigger_ids:
        fake.plan_and_work(fake.ledger.triggers.get(trigger_id))


def test_one_month_after_the_other_is_ingested_and_then_there_is_no_backfill(fake: FakeWorld) -> None:
    for period in MONTHS:
        fake.deliver(month(period))
    asked = ask_for(fake, max_active=1)

    begun = []
    while fake.world.backfills.active():
        opened = advance_backfills(fake.world)
        begun.append(opened)
        work(fake, opened)

    assert begun == [*((trigger.trigger_id,) for trigger in asked.triggers), ()]
    assert [report.state for report in fake.reports.latest()] == [RunState.PUBLISHED] * 3


def test_a_month_under_way_keeps_its_place(fake: FakeWorld) -> None:
    for period in MONTHS:
        fake.deliver(month(period))
    ask_for(fake, max_active=2)

    first, again = advance_backfills(fake.world), advance_backfills(fake.world)
    fake.ledger.triggers.planned(first[0])
    after_one = advance_backfills(fake.world)

    assert (len(first), again, len(after_one)) == (2, (), 1)


def test_months_without_a_delivery_give_their_places_on(fake: FakeWorld) -> None:
    fake.deliver(month("2024-03"))
    ask_for(fake, max_active=1)

    while fake.world.backfills.active():
        work(fake, advance_backfills(fake.world))

    states = [report.state for report in fake.reports.latest()]
    assert states == [RunState.NOT_DELIVERED, RunState.NOT_DELIVERED, RunState.PUBLISHED]


def test_a_month_that_failed_for_good_gives_its_place_on(fake: FakeWorld) -> None:
    for period in MONTHS:
        fake.deliver(month(period))
    fake.bucket().fail_first(1, AuthError("no", "AccessDenied", "grant it"))
    ask_for(fake, max_active=1)

    work(fake, advance_backfills(fake.world))

    assert len(advance_backfills(fake.world)) == 1


def test_a_month_that_heals_keeps_its_place_until_it_has(fake: FakeWorld) -> None:
    for period in MONTHS:
        fake.deliver(month(period))
    fake.bucket().fail_first(1, TransientError("the network"))
    ask_for(fake, max_active=1)
    work(fake, advance_backfills(fake.world))

    while_it_waits = advance_backfills(fake.world)
    fake.clock.advance(HEAL_SECONDS)
    work(fake, tuple(trigger.trigger_id for trigger in fake.world.repairer.stale_triggers()))
    after_it_has = advance_backfills(fake.world)

    assert while_it_waits == ()
    assert len(after_it_has) == 1
    assert [(report.billing_period, report.state) for report in fake.reports.latest() if report.billing_period] == [
        ("2024-01", RunState.PUBLISHED)
    ]


def test_a_month_whose_trigger_was_forgotten_gives_its_place_on(fake: FakeWorld) -> None:
    ask_for(fake, max_active=1)
    [first] = advance_backfills(fake.world)
    del fake.ledger.triggers.known[first]

    assert len(advance_backfills(fake.world)) == 1
