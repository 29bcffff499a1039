from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from tests.fakes.plans import ACME
from tests.fakes.world import FakeWorld, always, month, never
from worker.adapters.sample_month import Month
from worker.domain.errors import ErrorClass
from worker.domain.plan import RunPlan
from worker.domain.report import RunReport
from worker.domain.retry import WorthAnother
from worker.domain.source import Source
from worker.domain.trigger import Trigger
from worker.services.plan_runs import plan_source

FOLDER = replace(ACME, url="file:///copies/cur")
OVERWRITTEN = replace(month(), overwrite=True)


def planned(fake: FakeWorld, source: Source = ACME, worth: WorthAnother = never) -> list[RunPlan | RunReport]:
    return list(plan_source(fake.world, source, Trigger("t1"), worth))


def refusal(fake: FakeWorld, worth: WorthAnother = never) -> RunReport:
    [report] = planned(fake, worth=worth)
    assert isinstance(report, RunReport)
    return report


def deliver_data_after_its_manifest(fake: FakeWorld, source: Source = ACME, delivered: Month = OVERWRITTEN) -> None:
    """New data lies under the old manifest for a minute now."""
    delivery, bucket = fake.deliver(delivered, source), fake.bucket(source)
    for key in delivery.files:
        bucket.put(key, bucket.objects[key].body, fake.clock.now() - timedelta(seconds=60))


def test_data_newer_than_its_manifest_is_a_delivery_under_way(fake: FakeWorld) -> None:
    deliver_data_after_its_manifest(fake)

    [failure] = refusal(fake, worth=always).errors

    assert (failure.error_class, failure.code) == (ErrorClass.TRANSIENT, "delivery_under_way")


def test_a_delivery_has_settled_after_a_while(fake: FakeWorld) -> None:
    deliver_data_after_its_manifest(fake)
    fake.clock.advance(fake.world.settle_seconds)

    [plan] = planned(fake)

    assert isinstance(plan, RunPlan)


def test_data_under_its_version_is_never_overwritten(fake: FakeWorld) -> None:
    deliver_data_after_its_manifest(fake, delivered=replace(month(), version_id="6b1d2a52"))

    [plan] = planned(fake)

    assert isinstance(plan, RunPlan)


def test_a_folder_is_no_delivery_under_way(fake: FakeWorld) -> None:
    deliver_data_after_its_manifest(fake, FOLDER)

    [plan] = planned(fake, FOLDER)

    assert isinstance(plan, RunPlan)
