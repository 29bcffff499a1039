from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.publishing import publishing
from tests.fakes.activity_table import FakeActivityTable
from tests.fakes.plans import ACME, JANUARY, NOON, plan_of
from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import BadRequestError, NotFoundError
from worker.domain.source import Source
from worker.services.forget_months import forget_months, to_forget

FEBRUARY = BillingPeriod(2024, 2)
OURS = replace(ACME, account_id="1")
GLOBEX = replace(ACME, name="globex", account_id="2")
THEIRS = replace(ACME, org_id="org-9")


@pytest.fixture
def table() -> FakeActivityTable:
    """Two months of acme, one of globex; and one of another org's acme."""
    published = FakeActivityTable()
    for source, period in ((OURS, JANUARY), (OURS, FEBRUARY), (GLOBEX, JANUARY), (THEIRS, JANUARY)):
        publish(published, source, period)
    return published


def publish(table: FakeActivityTable, source: Source, period: BillingPeriod) -> None:
    plan = replace(plan_of("a.csv", source=source), period=period)
    table.publish(plan.slot, publishing(plan))


def test_every_month_of_a_source_is_meant(table: FakeActivityTable) -> None:
    chosen = to_forget(table, "acme", "org-123")

    assert [(record.slot.org_id, record.slot.period) for record in chosen] == [
        ("org-123", JANUARY),
        ("org-123", FEBRUARY),
    ]


def test_one_month_can_be_chosen(table: FakeActivityTable) -> None:
    [record] = to_forget(table, "acme", None, FEBRUARY)

    assert (record.slot.org_id, record.slot.period) == ("org-123", FEBRUARY)


def test_a_name_that_several_orgs_have_needs_an_org(table: FakeActivityTable) -> None:
    with pytest.raises(BadRequestError, match="org-123, org-9") as error:
        to_forget(table, "acme")

    assert "--org" in error.value.remedy


@pytest.mark.parametrize(("name", "period"), [("nobody", None), ("globex", FEBRUARY)])
def test_what_is_not_published_cannot_be_chosen(
    table: FakeActivityTable, name: str, period: BillingPeriod | None
) -> None:
    with pytest.raises(NotFoundError, match=name):
        to_forget(table, name, None, period)


def test_the_chosen_months_are_unpublished_and_no_others(table: FakeActivityTable) -> None:
    forget_months(table, to_forget(table, "acme", "org-123"), NOON)

    assert {(record.slot.org_id, record.slot.source_name) for record in table.records()} == {
        ("org-123", "globex"),
        ("org-9", "acme"),
    }
    assert [(record.slot.period, at) for record, at in table.forgotten()] == [(JANUARY, NOON), (FEBRUARY, NOON)]
