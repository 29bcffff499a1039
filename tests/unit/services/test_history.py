from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contracts.publishing import publishing
from tests.fakes.activity_table import FakeActivityTable
from tests.fakes.plans import ACME, JANUARY, NOON, plan_of, report_of
from worker.domain.billing_period import BillingPeriod
from worker.domain.source import Source
from worker.services.history import files_of_run, history

FEBRUARY = BillingPeriod(2024, 2)
OURS = replace(ACME, account_id="1")
GLOBEX = replace(ACME, name="globex", account_id="2")
OTHERS = replace(ACME, org_id="org-9")


@pytest.fixture
def table() -> FakeActivityTable:
    return FakeActivityTable()


def publish(
    table: FakeActivityTable,
    key: str,
    run_id: str = "run-1",
    source: Source = OURS,
    period: BillingPeriod = JANUARY,
) -> None:
    plan = replace(plan_of(key, source=source), period=period)
    table.publish(plan.slot, publishing(plan, run_id))


def test_a_month_that_was_never_published_has_no_history(table: FakeActivityTable) -> None:
    publish(table, "a.csv", period=FEBRUARY)

    assert history(table, JANUARY) == ()


def test_versions_come_newest_first_and_each_replaced_the_next(table: FakeActivityTable) -> None:
    for number in (1, 2, 3):
        publish(table, f"{number}.csv", run_id=f"run-{number}")

    [month] = history(table, JANUARY)

    assert [record.run_id for record in month.versions] == ["run-3", "run-2", "run-1"]
    assert month.current is month.versions[0]
    assert month.current == table.records()[0]


def test_every_source_that_published_the_month_has_a_history_in_order(table: FakeActivityTable) -> None:
    publish(table, "a.csv", source=OTHERS)
    publish(table, "a.csv", source=GLOBEX)
    publish(table, "a.csv")
    publish(table, "a.csv", period=FEBRUARY)

    found = [(month.slot.org_id, month.slot.source_name) for month in history(table, JANUARY)]

    assert found == [("org-123", "acme"), ("org-123", "globex"), ("org-9", "acme")]


def test_one_org_and_one_source_can_be_chosen(table: FakeActivityTable) -> None:
    for source in (OTHERS, GLOBEX, OURS):
        publish(table, "a.csv", source=source)

    assert [month.slot.org_id for month in history(table, JANUARY, "org-9")] == ["org-9"]
    assert [month.slot.source_name for month in history(table, JANUARY, None, "globex")] == ["globex"]
    assert history(table, JANUARY, "org-9", "globex") == ()


def test_a_forgotten_month_keeps_its_history_and_has_no_current_version(table: FakeActivityTable) -> None:
    publish(table, "1.csv")
    publish(table, "2.csv", run_id="run-2")
    table.forget(table.records()[0].slot, NOON)

    [month] = history(table, JANUARY)

    assert [record.run_id for record in month.versions] == ["run-2", "run-1"]
    assert month.forgotten_at == NOON
    assert month.current is None


def test_a_month_published_again_after_it_was_forgotten_has_one_history(table: FakeActivityTable) -> None:
    publish(table, "1.csv")
    table.forget(table.records()[0].slot, NOON - timedelta(days=1))
    publish(table, "1.csv", run_id="run-2")

    [month] = history(table, JANUARY)

    assert [record.run_id for record in month.versions] == ["run-2", "run-1"]
    assert month.forgotten_at is None


def test_the_record_of_a_run_knows_the_files_that_the_run_read(table: FakeActivityTable) -> None:
    publish(table, "a.csv", run_id="run-1")
    publish(table, "b.csv", run_id="run-2")
    ended = replace(report_of("run-1"), org_id=OURS.org_id, source_name=OURS.name, billing_period=str(JANUARY))

    found = [
        [file.key for file in files_of_run(table, replace(ended, run_id=run))] for run in ("run-1", "run-2", "run-3")
    ]

    assert found == [["a.csv"], ["b.csv"], []]
