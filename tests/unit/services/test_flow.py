"""From a delivery to a month, with a bucket in memory: what the founding document asks of an ingestion, end to end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes.plans import ACME, JANUARY
from tests.fakes.world import FakeWorld, month
from tests.unit.services.steps import ROW, TWO_FILES
from worker.adapters.sample_columns import line_item
from worker.adapters.sample_month import Layout
from worker.domain.errors import AuthError
from worker.domain.outcome import RunState
from worker.domain.plan import Slot
from worker.domain.report import FileCounts, RunReport
from worker.domain.source import CUR

SLOT = Slot("org-123", "acme", CUR, JANUARY)
CREDIT = line_item("2024-01", line_item_line_item_type="Credit", line_item_unblended_cost="-5")
NEGATIVE = line_item("2024-01", line_item_usage_amount="-1")


def only(reports: tuple[RunReport, ...]) -> RunReport:
    [report] = reports
    return report


@pytest.mark.parametrize("layout", Layout)
def test_s3_manifest_ingestion_flow(fake: FakeWorld, layout: Layout) -> None:
    delivered = replace(month("2024-01", ROW, CREDIT, NEGATIVE, ROW), rows_per_file=2, layout=layout)
    fake.deliver(delivered)

    report = only(fake.ingest())

    balance = report.balance
    assert (report.state, report.version_id, report.files) == (RunState.PUBLISHED, "v1", FileCounts(2, 2))
    assert (balance.read.rows, balance.activities.rows) == (4, 2)
    assert (balance.excluded_by_type, balance.rejected_by_reason) == ({"Credit": 1}, {"negative_usage": 1})
    assert fake.bucket().calls == {"list": 2, "read_manifest": 2, "fetch": 2}
    assert report.requests == 6


def test_a_second_ingestion_of_the_same_delivery_reads_nothing_and_changes_nothing(fake: FakeWorld) -> None:
    fake.deliver(TWO_FILES)
    first = only(fake.ingest())
    fake.bucket().calls.clear()

    second = only(fake.ingest(trigger_id="t2"))

    assert (second.state, second.balance) == (RunState.UP_TO_DATE, first.balance)
    assert fake.bucket().calls == {"list": 1}
    assert fake.table.snapshots == {"org-123": 1}


def test_a_restated_month_replaces_what_changed_and_keeps_the_rest(fake: FakeWorld) -> None:
    fake.deliver(TWO_FILES)
    fake.ingest()
    before = fake.table.months[SLOT].parts
    fake.deliver(replace(TWO_FILES, rows=(ROW, CREDIT, ROW), version_id="v2"))

    report = only(fake.ingest(trigger_id="t2"))

    after = fake.table.months[SLOT].parts
    assert report.files == FileCounts(total=3, ingested=2, unchanged=1, dropped=0)
    assert report.balance.read.rows == 3
    assert len(before.keys() & after.keys()) == 1


def test_every_month_of_a_bucket_is_published_on_its_own(fake: FakeWorld) -> None:
    for period in ("2023-12", "2024-01", "2024-02"):
        fake.deliver(month(period))

    reports = fake.ingest()

    assert [(each.billing_period, each.state) for each in reports] == [
        (period, RunState.PUBLISHED) for period in ("2023-12", "2024-01", "2024-02")
    ]


def test_one_month_failing_never_loses_the_others(fake: FakeWorld) -> None:
    lost = fake.deliver(month("2023-12"))
    fake.deliver(month("2024-01"))
    fake.bucket().fail_key(lost.files[0], AuthError("no", "AccessDenied", "grant s3:GetObject"))

    reports = fake.ingest()

    states = {each.billing_period: each.state for each in reports}
    assert states == {"2023-12": RunState.FAILED, "2024-01": RunState.PUBLISHED}


def test_a_month_without_usage_is_published_with_no_rows(fake: FakeWorld) -> None:
    fake.deliver(replace(month(), rows=()))

    report = only(fake.ingest())

    assert (report.state, report.balance.activities.rows, report.final) == (RunState.PUBLISHED, 0, False)
    assert fake.table.months[SLOT].parts == {}


def test_a_month_that_was_configured_twice_is_counted_once(fake: FakeWorld) -> None:
    twin = replace(ACME, name="twin", url="s3://twin-bucket/cur/")
    fake.deliver(month())
    fake.deliver(month(), twin)

    reports = fake.ingest(ACME, twin)

    assert [(each.source_name, each.state) for each in reports] == [
        ("acme", RunState.PUBLISHED),
        ("twin", RunState.FAILED),
    ]
    assert [failure.code for failure in reports[1].errors] == ["counted_twice"]
