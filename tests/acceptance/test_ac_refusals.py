"""Acceptance criteria 8, 18 and 19 where nothing may be published: what was lost, what is missing, what is not asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from tests.fakes.parts import FakePartStore, FakePartWriter
from tests.fakes.plans import ACME
from tests.fakes.world import COLUMNS, FakeWorld, month
from worker.adapters.sample_columns import line_item
from worker.adapters.sample_month import Layout
from worker.domain.errors import ErrorClass, Failure
from worker.domain.outcome import RunState
from worker.domain.plan import FileJob

ROW = line_item("2024-01")


@pytest.fixture
def fake(tmp_path: Path) -> FakeWorld:
    return FakeWorld(tmp_path)


def failure(fake: FakeWorld) -> Failure:
    """Why the only run published nothing."""
    [report] = fake.ingest()
    assert (report.state, fake.table.records()) == (RunState.FAILED, ())
    [found] = report.errors
    return found


class LosesARow(FakePartWriter):
    """A disk, or a defect: what comes out is not what went in."""

    def write(self, activities: pl.DataFrame) -> None:
        super().write(activities.head(-1))


class LossyParts(FakePartStore):
    @contextmanager
    def create(self, job: FileJob, tag_keys: tuple[str, ...]) -> Iterator[FakePartWriter]:
        yield LosesARow(self, job.file.digest)


def test_ac8_a_month_that_was_not_written_as_it_was_read_is_not_published(fake: FakeWorld) -> None:
    fake.world = replace(fake.world, parts=LossyParts())
    fake.deliver(month("2024-01", ROW, ROW))

    found = failure(fake)

    assert (found.error_class, found.code) == (ErrorClass.FATAL, "unbalanced")
    assert found.file.endswith("report-00001.csv.gz")


@pytest.mark.parametrize("column", ["line_item_usage_amount", "line_item_usage_start_date", "line_item_line_item_type"])
def test_ac18_a_report_without_what_it_needs_is_one_clear_error(fake: FakeWorld, column: str) -> None:
    fake.deliver(replace(month(), columns=tuple(name for name in COLUMNS if name != column)))

    found = failure(fake)

    assert (found.error_class, found.code) == (ErrorClass.BAD_REQUEST, "missing_column")
    assert column in found.message


def test_ac19_of_several_reports_under_one_prefix_none_is_guessed(fake: FakeWorld) -> None:
    fake.deliver(replace(month(), name="one"))
    fake.deliver(replace(month(), name="two", layout=Layout.EXPORT))

    found = failure(fake)

    assert (found.error_class, found.code) == (ErrorClass.BAD_REQUEST, "several_reports")
    assert "cur/one, cur/two" in found.message
    assert "`report`" in found.remedy


def test_ac19_the_report_that_is_named_is_read(fake: FakeWorld) -> None:
    fake.deliver(replace(month("2024-01", ROW), name="one"))
    fake.deliver(replace(month("2024-01", ROW, ROW), name="two", layout=Layout.EXPORT))

    [report] = fake.ingest(replace(ACME, report="two"))

    assert (report.state, report.balance.activities.rows) == (RunState.PUBLISHED, 2)


def test_ac19_an_export_of_another_kind_is_not_read_as_a_usage_report(fake: FakeWorld) -> None:
    focus = ("BilledCost", "BillingPeriodStart", "ChargePeriodStart", "ConsumedQuantity", "ConsumedUnit", "ServiceName")
    fake.deliver(replace(month(), rows=[dict.fromkeys(focus, "1")], columns=focus, layout=Layout.EXPORT))

    assert failure(fake).code == "missing_column"


def test_ac19_rows_of_another_month_are_kept_aside_and_counted(fake: FakeWorld) -> None:
    fake.deliver(month("2024-01", ROW, line_item("2023-12"), line_item("2024-02")))

    [report] = fake.ingest()

    assert report.state is RunState.PUBLISHED
    assert report.balance.rejected_by_reason == {"other_billing_period": 2}
    assert report.balance.activities.rows == 1
