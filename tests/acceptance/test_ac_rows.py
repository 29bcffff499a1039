"""Acceptance criteria 7 to 10 and 18 on whole deliveries, each against a naive reading of the same files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from tests.fakes.reference import Reference
from tests.fakes.reference_files import report_lines
from tests.fakes.world import FakeWorld, month
from tests.property.conversion import figures
from worker.adapters.sample_columns import COLUMNS, line_item
from worker.adapters.sample_month import Delivery, Month
from worker.adapters.sample_rows import sample_lines
from worker.domain.billing_period import BillingPeriod
from worker.domain.report import RunReport

JANUARY = BillingPeriod(2024, 1)
ROWS = [line.row for line in sample_lines(JANUARY, 400, Random(5), "2024000001")]
MONTH = replace(month("2024-01"), rows=ROWS, columns=COLUMNS)


@pytest.fixture
def fake(tmp_path: Path) -> FakeWorld:
    return FakeWorld(tmp_path)


def ingested(fake: FakeWorld, delivered: Month) -> tuple[Delivery, RunReport]:
    delivery = fake.deliver(delivered)
    [report] = fake.ingest(trigger_id=delivered.version_id)
    assert report.errors == ()
    return delivery, report


def naive(fake: FakeWorld, keys: Iterable[str]) -> Reference:
    read = Reference("2024-01")
    for key in keys:
        read.read(report_lines(fake.bucket().objects[key].body))
    return read


def activities(fake: FakeWorld) -> list[dict[str, object]]:
    """All that is published, file by file."""
    [record] = fake.table.records()
    parts = [fake.parts.activities[file.digest] for file in record.files if file.part]
    return [row for part in parts for row in part.drop("activity_id").rows(named=True)]


def test_ac7_files_that_look_the_same_all_survive(fake: FakeWorld) -> None:
    twins = replace(month("2024-01", *[line_item("2024-01")] * 3), rows_per_file=1)

    delivery, report = ingested(fake, twins)

    assert len({fake.bucket().objects[key].body for key in delivery.files}) == 1
    assert (report.files.total, report.balance.activities.rows) == (3, 3)


@pytest.mark.parametrize("rows_per_file", [None, 150])
def test_ac8_files_and_run_balance_as_a_naive_reading_balances(fake: FakeWorld, rows_per_file: int | None) -> None:
    delivery, report = ingested(fake, replace(MONTH, rows_per_file=rows_per_file))

    [record] = fake.table.records()
    for file in record.files:
        assert figures(file.balance) == naive(fake, [file.key]).figures()
    assert figures(report.balance) == naive(fake, delivery.files).figures()


def test_ac9_what_is_no_usage_is_left_out_and_its_quantities_are_told_by_type(fake: FakeWorld) -> None:
    delivery, report = ingested(fake, MONTH)

    kinds = {str(row["line_item_type"]) for row in activities(fake)}

    assert kinds == {"Usage", "DiscountedUsage", "SavingsPlanCoveredUsage"}
    assert {"Tax", "SavingsPlanNegation", "SplitLineItem", "DedicatedHostInstance"} <= set(
        report.balance.excluded_by_type
    )
    assert report.balance.excluded_by_type == naive(fake, delivery.files).excluded
    assert report.balance.by_line_item_type["SavingsPlanNegation"].usage > 0


def test_ac10_a_month_that_costs_nothing_is_the_same_usage(fake: FakeWorld, tmp_path: Path) -> None:
    free = FakeWorld(tmp_path)
    ingested(fake, MONTH)

    _, report = ingested(free, replace(MONTH, rows=[row | {"line_item_unblended_cost": "0"} for row in ROWS]))

    assert report.balance.read.cost == 0
    assert [row | {"cost": 0} for row in activities(free)] == [row | {"cost": 0} for row in activities(fake)]


def test_ac18_columns_nobody_knows_and_odd_names_change_nothing(fake: FakeWorld, tmp_path: Path) -> None:
    extra = ("", "reservation/ReservationARN", "a new/column, of AWS", "product/Vcpu", "bill/INVOICEID2")
    plain = FakeWorld(tmp_path)
    _, expected = ingested(plain, MONTH)

    delivery, report = ingested(
        fake, replace(MONTH, rows=[row | dict.fromkeys(extra, "x") for row in ROWS], columns=(*extra, *COLUMNS))
    )

    assert figures(report.balance) == naive(fake, delivery.files).figures() == figures(expected.balance)
    assert report.warnings == expected.warnings
    assert activities(fake) == activities(plain)


def test_ac18_tags_that_differ_by_case_alone_are_one_and_the_first_that_speaks_wins(fake: FakeWorld) -> None:
    first, second = "resourceTags/user:team", "resourceTags/user:Team"
    rows = [line_item("2024-01", **{first: one, second: other}) for one, other in (("a", ""), ("", "b"), ("c", "d"))]

    ingested(fake, replace(month("2024-01"), rows=rows, columns=()))

    assert [row["tag:user_team"] for row in activities(fake)] == ["a", "b", "c"]


def test_ac18_a_header_that_is_not_the_manifests_is_told(fake: FakeWorld) -> None:
    [key] = fake.deliver(MONTH).files
    manifest = fake.bucket().objects[key.replace("v1/report-00001.csv.gz", "report-Manifest.json")].body
    without = replace(MONTH, columns=tuple(name for name in COLUMNS if name != "pricing_unit"))
    fake.deliver(without)
    fake.bucket().put(key.replace("v1/report-00001.csv.gz", "report-Manifest.json"), manifest)

    [report] = fake.ingest()

    assert "1 missing columns: the manifest announces them, a file lacks them" in report.warnings
    assert f"{report.balance.activities.rows:,} rows without a unit, kept with the unit `unknown`" in report.warnings
