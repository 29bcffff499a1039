from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes.plans import ACME, JANUARY
from tests.fakes.world import FakeWorld, month, never
from worker.adapters.sample_columns import line_item
from worker.adapters.sample_month import Layout
from worker.domain.billing_period import BillingPeriod
from worker.domain.outcome import RunState
from worker.domain.plan import RunPlan, Slot
from worker.domain.report import RunReport
from worker.domain.source import CUR, Source
from worker.domain.trigger import Trigger
from worker.services.plan_runs import plan_source

EVERYTHING = Trigger("t1")
ROW = line_item("2024-01")
TWO_FILES = replace(month("2024-01", ROW, ROW), rows_per_file=1, overwrite=True)
RESTATED = replace(TWO_FILES, rows=(ROW, line_item("2024-01", line_item_usage_amount="731")), version_id="v2")
"""The same month delivered over the first one, with its second file changed."""


def planned(fake: FakeWorld, source: Source = ACME, trigger: Trigger = EVERYTHING) -> list[RunPlan | RunReport]:
    return list(plan_source(fake.world, source, trigger, never))


def the_plan(fake: FakeWorld, source: Source = ACME, trigger: Trigger = EVERYTHING) -> RunPlan:
    [plan] = planned(fake, source, trigger)
    assert isinstance(plan, RunPlan)
    return plan


def the_report(fake: FakeWorld, source: Source = ACME, trigger: Trigger = EVERYTHING) -> RunReport:
    [report] = planned(fake, source, trigger)
    assert isinstance(report, RunReport)
    return report


def test_a_month_never_published_is_planned_whole(fake: FakeWorld) -> None:
    delivery = fake.deliver(TWO_FILES)

    plan = the_plan(fake)

    assert plan.slot == Slot("org-123", "acme", CUR, JANUARY)
    assert [file.key for file in plan.files] == list(delivery.files)
    assert plan.add == {file.digest for file in plan.files}
    assert (plan.version_id, plan.account, plan.bucket, plan.charset) == ("v1", "111122223333", "cur-bucket", "UTF-8")
    assert plan.manifest_path == delivery.manifests[-1]


def test_files_are_planned_with_the_etag_and_size_that_the_listing_shows(fake: FakeWorld) -> None:
    fake.deliver(month())

    [file] = the_plan(fake).files

    stored = fake.bucket().objects[file.key]
    assert (file.path, file.etag, file.size) == (file.key, stored.etag, len(stored.body))


def test_a_data_export_is_planned_like_a_legacy_report(fake: FakeWorld) -> None:
    delivery = fake.deliver(replace(month(), layout=Layout.EXPORT))

    plan = the_plan(fake)

    assert [file.key for file in plan.files] == list(delivery.files)
    assert plan.period == JANUARY


def test_an_unchanged_month_costs_the_listing_alone(fake: FakeWorld) -> None:
    fake.deliver(TWO_FILES)
    fake.ingest()
    fake.bucket().calls.clear()

    report = the_report(fake)

    assert report.state is RunState.UP_TO_DATE
    assert (report.files.total, report.files.unchanged, report.requests) == (2, 2, 1)
    assert report.balance.read.rows == 2
    assert fake.bucket().calls == {"list": 1}


def test_of_a_changed_month_only_the_changed_file_is_read(fake: FakeWorld) -> None:
    fake.deliver(TWO_FILES)
    fake.ingest()
    fake.deliver(RESTATED)

    plan = the_plan(fake)

    assert plan.add == {plan.files[1].digest}
    assert (plan.version_id, plan.dropped) == ("v2", 0)


def test_a_file_that_the_manifest_no_longer_names_is_dropped(fake: FakeWorld) -> None:
    fake.deliver(TWO_FILES)
    fake.ingest()
    fake.deliver(replace(TWO_FILES, rows=(ROW,), version_id="v2"))

    plan = the_plan(fake)

    assert (len(plan.files), plan.add, plan.dropped) == (1, frozenset(), 1)


def test_a_change_of_configuration_that_shapes_rows_reads_everything_again(fake: FakeWorld) -> None:
    fake.deliver(TWO_FILES)
    fake.ingest()

    plan = the_plan(fake, replace(ACME, workspace_id="w-1"))

    assert plan.add == {file.digest for file in plan.files}


def test_a_change_of_configuration_that_shapes_no_row_publishes_without_reading(fake: FakeWorld) -> None:
    fake.deliver(TWO_FILES)
    fake.ingest()

    plan = the_plan(fake, replace(ACME, report="report"))

    assert (len(plan.files), plan.add) == (2, frozenset())


def test_months_are_planned_oldest_first_and_the_first_carries_the_listing(fake: FakeWorld) -> None:
    for period in ("2024-02", "2023-12", "2024-01"):
        fake.deliver(month(period))

    plans = [each for each in planned(fake) if isinstance(each, RunPlan)]

    assert [str(plan.period) for plan in plans] == ["2023-12", "2024-01", "2024-02"]
    assert [plan.requests for plan in plans] == [2, 1, 1]


@pytest.mark.parametrize(
    ("source", "trigger"),
    [
        (ACME, Trigger("t1", start=JANUARY, end=BillingPeriod(2024, 2))),
        (replace(ACME, start=JANUARY, end=BillingPeriod(2024, 2)), EVERYTHING),
        (replace(ACME, start=JANUARY), Trigger("t1", end=BillingPeriod(2024, 2))),
        (replace(ACME, end=BillingPeriod(2024, 2)), Trigger("t1", start=JANUARY)),
    ],
)
def test_only_months_that_source_and_trigger_both_want_are_planned(
    fake: FakeWorld, source: Source, trigger: Trigger
) -> None:
    for period in ("2023-12", "2024-01", "2024-02"):
        fake.deliver(month(period))

    assert the_plan(fake, source, trigger).period == JANUARY


def test_a_month_asked_for_by_both_ends_and_not_delivered_is_said_to_be_so(fake: FakeWorld) -> None:
    fake.deliver(month("2023-11"))
    asked = Trigger("t1", start=BillingPeriod(2023, 11), end=BillingPeriod(2024, 2))

    [delivered, *missing] = planned(fake, replace(ACME, end=JANUARY), asked)

    assert isinstance(delivered, RunPlan)
    assert [(each.state, each.billing_period) for each in missing if isinstance(each, RunReport)] == [
        (RunState.NOT_DELIVERED, "2023-12")
    ]


@pytest.mark.parametrize(("ours", "theirs", "planned_with"), [(None, 5.0, 5.0), (2.0, 5.0, 2.0), (0.0, None, 0.0)])
def test_the_limit_of_rejections_is_the_triggers_or_else_the_settings(
    fake: FakeWorld, ours: float | None, theirs: float | None, planned_with: float
) -> None:
    fake.deliver(month())
    world = replace(fake.world, max_rejected_percent=theirs)

    [plan] = plan_source(world, ACME, Trigger("t1", max_rejected_percent=ours), never)

    assert isinstance(plan, RunPlan)
    assert plan.max_rejected_percent == planned_with


def test_a_month_of_an_older_converter_is_read_again_only_on_request(fake: FakeWorld) -> None:
    fake.deliver(month())
    fake.ingest()
    slot = Slot("org-123", "acme", CUR, JANUARY)
    published = fake.table.months[slot]
    fake.table.months[slot] = replace(published, record=replace(published.record, converter_version=0))

    left_alone, asked_for = the_report(fake), the_plan(fake, trigger=Trigger("t1", reconvert=True))

    assert left_alone.state is RunState.UP_TO_DATE
    assert left_alone.warnings == ("older converter: `ingest --reconvert` reads it again",)
    assert asked_for.period == JANUARY
