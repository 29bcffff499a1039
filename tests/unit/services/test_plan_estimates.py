"""Planning what AWS estimates, asked of its API or delivered as an export: which months, and what of them changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes.clock import ManualClock
from tests.fakes.world import FakeWorld, never
from worker.adapters.sample_carbon import CarbonMonth, sample_footprints
from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import NotFoundError
from worker.domain.outcome import RunState
from worker.domain.plan import RunPlan, Slot
from worker.domain.report import RunReport
from worker.domain.source import API_URL, CARBON, Source
from worker.domain.trigger import Trigger
from worker.services.plan_runs import plan_source

ASKED = Source("acme", "org-123", API_URL, kind=CARBON)
DELIVERED = Source("acme", "org-123", "s3://carbon/export/", kind=CARBON)
NOVEMBER, DECEMBER, JANUARY = BillingPeriod(2023, 11), BillingPeriod(2023, 12), BillingPeriod(2024, 1)
MID_FEBRUARY = ManualClock().now().replace(day=15)


def planned(
    fake: FakeWorld, source: Source = ASKED, start: BillingPeriod | None = None, end: BillingPeriod | None = None
) -> dict[str, RunPlan | RunReport]:
    """What is planned, by month."""
    fake.clock.time = MID_FEBRUARY
    found = plan_source(fake.world, source, Trigger("t1", start=start, end=end), never)
    return {str(each.period if isinstance(each, RunPlan) else each.billing_period): each for each in found}


def estimate(fake: FakeWorld, *periods: str, model_version: str = "v3.0.0") -> None:
    for period in periods:
        fake.carbon.publish(sample_footprints(period, model_version=model_version))


def test_every_month_that_aws_has_estimated_is_a_run_of_its_own(fake: FakeWorld) -> None:
    estimate(fake, "2023-11", "2023-12")

    plans = planned(fake)

    assert list(plans) == ["2023-11", "2023-12", "2024-01"]
    november = plans["2023-11"]
    assert isinstance(november, RunPlan)
    assert (november.connector, november.slot) == ("aws-carbon", Slot("org-123", "acme", CARBON, NOVEMBER))
    assert november.version_id.startswith("v3.0.0-")
    assert len(november.add) == 1


def test_the_last_month_is_not_delivered_until_aws_has_estimated_it(fake: FakeWorld) -> None:
    estimate(fake, "2023-12")

    january = planned(fake)["2024-01"]

    assert isinstance(january, RunReport)
    assert (january.state, january.connector, january.errors) == (RunState.NOT_DELIVERED, "aws-carbon", ())


def test_an_account_without_any_estimate_is_no_error(fake: FakeWorld) -> None:
    assert [each.state for each in planned(fake).values() if isinstance(each, RunReport)] == [RunState.NOT_DELIVERED]


@pytest.mark.parametrize(
    ("source", "asked", "months"),
    [
        (ASKED, {"start": DECEMBER}, ["2023-12", "2024-01"]),
        (ASKED, {"start": NOVEMBER, "end": DECEMBER}, ["2023-11"]),
        (replace(ASKED, start=DECEMBER, end=JANUARY), {}, ["2023-12"]),
    ],
)
def test_no_other_month_is_asked_for_than_the_configured_and_the_wanted(
    fake: FakeWorld, source: Source, asked: dict[str, BillingPeriod], months: list[str]
) -> None:
    estimate(fake, "2023-11", "2023-12")

    assert list(planned(fake, source, **asked)) == months
    assert fake.carbon.requests == 1


def test_asking_is_counted_once(fake: FakeWorld) -> None:
    estimate(fake, "2023-11", "2023-12")

    plans = [each for each in planned(fake).values() if isinstance(each, RunPlan)]

    assert [plan.requests for plan in plans] == [1, 0]


def test_an_answer_that_is_the_same_again_is_the_same_file(fake: FakeWorld) -> None:
    estimate(fake, "2023-12")
    first = planned(fake)["2023-12"]

    again = planned(fake)["2023-12"]

    assert isinstance(first, RunPlan)
    assert isinstance(again, RunPlan)
    assert (again.manifest_etag, again.files) == (first.manifest_etag, first.files)


@pytest.mark.parametrize("model_version", ["v3.0.0", "v3.1.0"])
def test_a_month_that_aws_restated_is_another_file(fake: FakeWorld, model_version: str) -> None:
    estimate(fake, "2023-11", "2023-12")
    first = planned(fake)

    fake.carbon.publish(sample_footprints("2023-12", model_version=model_version, seed=8))
    again = planned(fake)

    def files(plans: dict[str, RunPlan | RunReport], month: str) -> object:
        plan = plans[month]
        assert isinstance(plan, RunPlan)
        return plan.files

    assert files(again, "2023-11") == files(first, "2023-11")
    assert files(again, "2023-12") != files(first, "2023-12")


def test_of_an_export_only_the_newest_models_estimate_is_planned(fake: FakeWorld) -> None:
    for version in ("v3.9.0", "v3.10.0"):
        rows = tuple(each.row for each in sample_footprints("2023-12", model_version=version))
        month = CarbonMonth("2023-12", rows=rows, prefix="export", model_version=version, version_id=version)
        fake.deliver(month, DELIVERED)

    plan = planned(fake, DELIVERED)["2023-12"]

    assert isinstance(plan, RunPlan)
    assert plan.version_id == "v3.10.0"
    assert all("v3.10.0" in file.key for file in plan.files)


def test_an_export_that_aws_never_delivered_to_is_an_error_with_what_to_do(fake: FakeWorld) -> None:
    with pytest.raises(NotFoundError) as caught:
        planned(fake, DELIVERED)

    assert "24 hours" in caught.value.remedy
