from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import polars as pl
import pytest

from tests.fakes.activity_table import FakeActivityTable
from tests.fakes.lakehouse import activities_of, converted, jobs_of
from tests.fakes.part_totals import FakePartTotals
from tests.fakes.plans import ACME, JANUARY, NOON, plan_of
from worker.domain.errors import FatalError, NotFoundError
from worker.domain.plan import RunPlan
from worker.domain.publication import publication
from worker.domain.source import Source
from worker.services.diff_versions import Asked, diff_versions

HOUR, TWO_HOURS = activities_of(("1", "0.1")), activities_of(("2", "0.2"))
ASKED = Asked(JANUARY)


class Published:
    """Months on the fake table, and the rows of their parts."""

    def __init__(self) -> None:
        self.table = FakeActivityTable()
        self.parts = FakePartTotals()

    def publish(self, run_id: str, plan: RunPlan, rows: pl.DataFrame) -> None:
        """Every file that the plan adds becomes these rows; without rows, it has no part."""
        outcomes = {}
        for job in jobs_of(plan, run_id):
            uri = f"warehouse/{job.file.digest}.parquet" if rows.height else None
            outcomes[job.file.digest] = replace(converted(job, rows), part=uri)
            if uri:
                empty = {name: None for name in ("scope", "method") if name not in rows.columns}
                self.parts.activities[uri] = rows.with_columns(**empty)
        self.table.publish(plan.slot, lambda held: publication(plan, run_id, outcomes, held, NOON))


@pytest.fixture
def fake() -> Published:
    return Published()


def plan(*keys: str, keep: tuple[str, ...] = (), source: Source = ACME, version_id: str = "v1") -> RunPlan:
    planned = plan_of(*keys, keep=keep, source=source, manifest_etag=version_id)
    return replace(planned, version_id=version_id)


def test_the_newest_version_is_compared_with_the_one_that_it_replaced(fake: Published) -> None:
    fake.publish("run-1", plan("a.csv"), HOUR)
    fake.publish("run-2", plan("b.csv", version_id="v2"), TWO_HOURS)

    [found] = diff_versions(fake.table, fake.parts, ASKED)

    assert (found.before.run_id, found.after.run_id) == ("run-1", "run-2")
    assert (found.added, found.dropped, found.kept) == (("b.csv",), ("a.csv",), ())
    [group] = found.groups
    assert (group.rows.by, group.cost.by) == (Decimal(0), Decimal("0.1"))


def test_kept_files_are_not_read(fake: Published) -> None:
    fake.publish("run-1", plan("a.csv", "b.csv"), HOUR)
    fake.publish("run-2", plan("c.csv", keep=("a.csv",), version_id="v2"), TWO_HOURS)
    [kept] = [file.part for file in fake.table.records()[0].files if file.key == "a.csv"]

    [found] = diff_versions(fake.table, fake.parts, ASKED)

    assert found.kept == ("a.csv",)
    assert kept not in fake.parts.read
    assert len(fake.parts.read) == 2


def test_files_without_activities_are_files_all_the_same(fake: Published) -> None:
    fake.publish("run-1", plan("a.csv"), HOUR.clear())
    fake.publish("run-2", plan("b.csv", version_id="v2"), HOUR.clear())

    [found] = diff_versions(fake.table, fake.parts, ASKED)

    assert (found.added, found.dropped, found.groups) == (("b.csv",), ("a.csv",), ())
    assert fake.parts.read == []


def test_versions_are_named_by_run_or_version_id(fake: Published) -> None:
    for number in (1, 2, 3):
        fake.publish(f"run-{number}", plan(f"{number}.csv", version_id=f"v{number}"), HOUR)

    [found] = diff_versions(fake.table, fake.parts, replace(ASKED, before="run-1", after="v2"))

    assert (found.before.run_id, found.after.run_id) == ("run-1", "run-2")


def test_sources_without_the_versions_asked_for_are_left_out(fake: Published) -> None:
    globex = replace(ACME, name="globex", account_id="2")
    acme = replace(ACME, account_id="1")
    fake.publish("run-1", plan("a.csv", source=acme), HOUR)
    fake.publish("run-2", plan("b.csv", source=acme, version_id="v2"), HOUR)
    fake.publish("run-9", plan("a.csv", source=globex), HOUR)

    both = diff_versions(fake.table, fake.parts, ASKED)

    assert [found.after.slot.source_name for found in both] == ["acme"]


def test_a_month_that_was_published_once_has_nothing_to_compare(fake: Published) -> None:
    fake.publish("run-1", plan("a.csv"), HOUR)

    with pytest.raises(NotFoundError, match="before run run-1"):
        diff_versions(fake.table, fake.parts, ASKED)


def test_a_month_that_was_never_published_is_not_found(fake: Published) -> None:
    with pytest.raises(NotFoundError, match="2024-01"):
        diff_versions(fake.table, fake.parts, ASKED)


def test_a_version_whose_parts_were_vacuumed_is_one_clear_error(fake: Published) -> None:
    fake.publish("run-1", plan("a.csv"), HOUR)
    fake.publish("run-2", plan("b.csv", version_id="v2"), HOUR)
    [gone] = [uri for uri in fake.parts.activities if uri not in fake.table.months[plan().slot].parts.values()]
    del fake.parts.activities[gone]

    with pytest.raises(NotFoundError, match=r"version v1 \(run run-1\) .* vacuumed") as error:
        diff_versions(fake.table, fake.parts, ASKED)

    assert error.value.code == "vacuumed"
    assert "history" in error.value.remedy


def test_a_published_part_that_is_gone_was_not_vacuumed(fake: Published) -> None:
    fake.publish("run-1", plan("a.csv"), HOUR)
    fake.publish("run-2", plan("b.csv", version_id="v2"), HOUR)
    [live] = fake.table.months[plan().slot].parts.values()
    del fake.parts.activities[live]

    with pytest.raises(NotFoundError) as error:
        diff_versions(fake.table, fake.parts, ASKED)

    assert error.value.code != "vacuumed"


def test_parts_that_are_not_what_the_record_says_are_no_answer(fake: Published) -> None:
    fake.publish("run-1", plan("a.csv"), HOUR)
    fake.publish("run-2", plan("b.csv", version_id="v2"), HOUR)
    for uri in fake.parts.activities:
        fake.parts.activities[uri] = pl.concat([fake.parts.activities[uri]] * 2)

    with pytest.raises(FatalError) as error:
        diff_versions(fake.table, fake.parts, ASKED)

    assert error.value.code == "unbalanced"
