"""Manifests whose folders spell no month: only the body tells which one they are of."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fakes.plans import ACME, JANUARY
from tests.fakes.world import FakeWorld, month, never
from worker.adapters.sample_month import Month, write_month
from worker.domain.billing_period import BillingPeriod
from worker.domain.outcome import RunState
from worker.domain.plan import RunPlan
from worker.domain.report import RunReport
from worker.domain.trigger import Trigger
from worker.services.plan_runs import plan_source

MANIFEST = "cur/report-Manifest.json"
FEBRUARY = BillingPeriod(2024, 2)


def deliver_undated(fake: FakeWorld, delivered: Month, manifest: str = MANIFEST) -> None:
    """The month's manifest lies under this key alone, and its data where it says."""
    with TemporaryDirectory() as folder:
        delivery = write_month(Path(folder), delivered)
        for key in delivery.files:
            fake.bucket().put(key, (Path(folder) / key).read_bytes())
        fake.bucket().put(manifest, (Path(folder) / delivery.manifests[-1]).read_bytes())


def planned(fake: FakeWorld, trigger: Trigger) -> list[RunPlan | RunReport]:
    return list(plan_source(fake.world, ACME, trigger, never))


def test_the_body_tells_the_month(fake: FakeWorld) -> None:
    deliver_undated(fake, month())

    [plan] = planned(fake, Trigger("t1"))

    assert isinstance(plan, RunPlan)
    assert plan.period == JANUARY


def test_an_unchanged_month_is_recognised_without_reading_its_manifest(fake: FakeWorld) -> None:
    deliver_undated(fake, month())
    fake.ingest()
    fake.bucket().calls.clear()

    [report] = planned(fake, Trigger("t2"))

    assert isinstance(report, RunReport)
    assert (report.state, report.billing_period) == (RunState.UP_TO_DATE, "2024-01")
    assert fake.bucket().calls == {"list": 1}


def test_a_month_that_nobody_asked_for_is_not_planned(fake: FakeWorld) -> None:
    deliver_undated(fake, month())

    assert planned(fake, Trigger("t1", start=FEBRUARY)) == []


def test_a_published_month_that_nobody_asked_for_is_not_reported(fake: FakeWorld) -> None:
    deliver_undated(fake, month())
    fake.ingest()

    assert planned(fake, Trigger("t2", start=FEBRUARY)) == []


def test_a_month_that_was_delivered_is_not_said_to_be_missing(fake: FakeWorld) -> None:
    deliver_undated(fake, month())
    asked = Trigger("t1", start=JANUARY, end=FEBRUARY)

    first = planned(fake, asked)
    fake.ingest()
    second = planned(fake, asked)

    assert [isinstance(each, RunPlan) for each in first] == [True]
    assert [each.state for each in second if isinstance(each, RunReport)] == [RunState.UP_TO_DATE]


def test_one_manifest_that_every_month_overwrites_is_up_to_date_when_its_last_month_is(fake: FakeWorld) -> None:
    deliver_undated(fake, month())
    fake.ingest()
    deliver_undated(fake, month("2024-02"))
    fake.ingest(trigger_id="t2")

    [report] = planned(fake, Trigger("t3"))

    assert isinstance(report, RunReport)
    assert (report.state, report.billing_period) == (RunState.UP_TO_DATE, "2024-02")


def test_every_undated_manifest_is_a_month_of_its_own(fake: FakeWorld) -> None:
    deliver_undated(fake, month(), "cur/one/report-Manifest.json")
    deliver_undated(fake, month("2024-02"), "cur/one/metadata/report-Manifest.json")

    plans = planned(fake, Trigger("t1"))

    assert [str(each.period) for each in plans if isinstance(each, RunPlan)] == ["2024-02", "2024-01"]
