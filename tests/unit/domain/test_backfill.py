from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes.plans import ACME, JANUARY
from worker.domain.backfill import KnownMonths, Only, month_trigger, months_of
from worker.domain.billing_period import BillingPeriod
from worker.domain.plan import Slot
from worker.domain.source import CARBON

APRIL = BillingPeriod(2024, 4)
ESTIMATES = replace(ACME, kind=CARBON, start=BillingPeriod(2024, 3))


def spelled(months: object) -> list[str]:
    return [f"{source.kind} {period}" for source, period in months]  # type: ignore[attr-defined]


def test_the_months_of_all_sources_come_together_and_only_those_configured() -> None:
    found = months_of([ACME, ESTIMATES], JANUARY, APRIL)

    assert spelled(found) == ["aws_cur 2024-01", "aws_cur 2024-02", "aws_cur 2024-03", "aws_carbon_footprint 2024-03"]


def test_the_newest_come_first_if_that_is_wanted() -> None:
    found = months_of([ACME, ESTIMATES], JANUARY, APRIL, newest_first=True)

    assert spelled(found) == ["aws_cur 2024-03", "aws_carbon_footprint 2024-03", "aws_cur 2024-02", "aws_cur 2024-01"]


def slot(month: int) -> Slot:
    return Slot(ACME.org_id, ACME.name, ACME.kind, BillingPeriod(2024, month))


@pytest.mark.parametrize(
    ("only", "months"), [(Only.MISSING, [3, 5]), (Only.FAILED, [2, 3]), (Only.ALL, [1, 2, 3, 4, 5])]
)
def test_only_says_which_months_are_asked_for(only: Only, months: list[int]) -> None:
    published, running, failed = ({slot(1), slot(2)}, {slot(4)}, {slot(2), slot(3)})

    known = KnownMonths(published, running, failed)

    assert [month for month in range(1, 6) if known.wants(slot(month), only)] == months


def test_a_month_is_asked_for_alone_and_in_the_background() -> None:
    trigger = month_trigger("b1", ACME, JANUARY)

    assert (trigger.sources, trigger.start, trigger.end) == ((ACME,), JANUARY, JANUARY.next())
    assert trigger.background
    assert trigger.trigger_id == "b1-acme-aws_cur-2024-01"
