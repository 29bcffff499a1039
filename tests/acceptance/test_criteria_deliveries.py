"""Acceptance criteria 3 to 6, 18 and 19: what AWS delivers, and how it changes. Buckets are in memory; all else is real."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.plans import ACME
from tests.fakes.world import COLUMNS, FakeWorld, month
from worker.adapters.sample_columns import line_item
from worker.adapters.sample_month import Layout, Month
from worker.domain.outcome import RunState
from worker.domain.report import RunReport

ROW = line_item("2024-01")
MIGRATED = replace(ACME, name="acme-exports", url="s3://exports/exports/")


@pytest.fixture
def fake(tmp_path: Path) -> FakeWorld:
    return FakeWorld(tmp_path)


def only(reports: tuple[RunReport, ...]) -> RunReport:
    [report] = reports
    return report


def files(count: int, version: str, *, overwrite: bool = False) -> Month:
    rows = (ROW,) * count
    return replace(month("2024-01", *rows), rows_per_file=1, version_id=version, overwrite=overwrite)


def test_ac3_the_manifest_is_the_only_truth_about_membership(fake: FakeWorld) -> None:
    first = fake.deliver(files(3, "a"))
    fake.ingest()
    second = fake.deliver(files(2, "b"))

    report = only(fake.ingest(trigger_id="t2"))

    [record] = fake.table.records()
    assert report.balance.activities.rows == 2
    assert [file.key for file in record.files] == list(second.files)
    assert all(key in fake.bucket().objects for key in first.files), "the orphans are there, and were not read"


def test_ac4_a_version_is_known_by_its_execution_in_data_exports(fake: FakeWorld) -> None:
    export = replace(files(1, "execution-1", overwrite=True), layout=Layout.EXPORT)
    fake.deliver(export)
    first = only(fake.ingest())
    fake.bucket().calls.clear()

    again = only(fake.ingest(trigger_id="t2"))
    calls = dict(fake.bucket().calls)
    fake.deliver(replace(export, version_id="execution-2"))
    newer = only(fake.ingest(trigger_id="t3"))

    assert (first.version_id, again.state, newer.version_id) == ("execution-1", RunState.UP_TO_DATE, "execution-2")
    assert calls == {"list": 1}
    assert newer.state is RunState.PUBLISHED


def test_ac5_the_same_keys_with_new_bytes_are_read_and_only_those(fake: FakeWorld) -> None:
    fake.deliver(files(2, "a", overwrite=True))
    fake.ingest()
    dearer = line_item("2024-01", line_item_unblended_cost="99")
    fake.deliver(replace(files(2, "b", overwrite=True), rows=(ROW, dearer)))
    fake.bucket().calls.clear()

    report = only(fake.ingest(trigger_id="t2"))

    assert (report.files.ingested, report.files.unchanged) == (1, 1)
    assert fake.bucket().calls["fetch"] == 1


def test_ac6_a_month_restated_half_a_year_later_is_found_by_metadata_alone(fake: FakeWorld) -> None:
    months = [replace(month(f"2024-{number:02}"), version_id="a") for number in range(1, 8)]
    for each in months:
        fake.deliver(each)
    fake.ingest()
    fake.deliver(replace(months[0], version_id="b", rows=(ROW, ROW)))
    fake.bucket().calls.clear()

    reports = fake.ingest(trigger_id="t2")

    changed = [report.billing_period for report in reports if report.state is RunState.PUBLISHED]
    assert changed == ["2024-01"]
    assert fake.bucket().calls["fetch"] == 1
    [january] = [record for record in fake.table.records() if str(record.slot.period) == "2024-01"]
    assert january.previous is not None
    assert fake.table.record_at(january.previous).version_id == "a"


def test_ac18_columns_come_and_go(fake: FakeWorld) -> None:
    fewer = tuple(name for name in COLUMNS if name not in {"line_item_resource_id", "product_region", "pricing_unit"})
    fake.deliver(replace(month("2024-01", ROW), columns=(*fewer, "a_column/nobody knows")))
    lacking = tuple(name for name in COLUMNS if name != "line_item_usage_amount")
    fake.deliver(replace(month("2024-02"), columns=lacking))

    reports = {report.billing_period: report for report in fake.ingest()}

    assert reports["2024-01"].state is RunState.PUBLISHED
    assert any("without a unit" in warning for warning in reports["2024-01"].warnings)
    [failure] = reports["2024-02"].errors
    assert (failure.code, "line_item_usage_amount" in failure.message) == ("missing_column", True)


def test_ac19_legacy_and_export_of_one_payer_and_month_are_never_both_counted(fake: FakeWorld) -> None:
    fake.deliver(month("2024-01", ROW))
    fake.ingest()
    fake.deliver(replace(month("2024-01", ROW), layout=Layout.EXPORT, prefix="exports"), MIGRATED)

    report = only(fake.ingest(MIGRATED, trigger_id="t2"))

    [failure] = report.errors
    assert (report.state, failure.code) == (RunState.FAILED, "counted_twice")
    assert "'acme'" in failure.message
    assert [record.slot.source_name for record in fake.table.records()] == ["acme"]


def test_ac19_of_several_reports_under_one_prefix_none_is_guessed(fake: FakeWorld) -> None:
    fake.deliver(replace(month("2024-01", ROW), name="one"))
    fake.deliver(replace(month("2024-01", ROW), name="two"))

    [failure] = only(fake.ingest()).errors

    assert failure.code == "several_reports"
    assert "cur/one, cur/two" in failure.message


def test_ac19_rows_of_another_month_are_quarantined_and_counted(fake: FakeWorld) -> None:
    stray = line_item("2023-12")
    fake.deliver(month("2024-01", ROW, stray))

    report = only(fake.ingest())

    assert report.balance.rejected_by_reason == {"other_billing_period": 1}
    assert report.balance.activities.rows == 1
