"""What every source of estimates does: one suite for the fake, and for the real client on a service of our own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import pytest

from tests.fakes.carbon_source import FakeCarbonSource, estimate_of
from tests.fakes.rate_limiter import FakeRateLimiter
from tests.servers.sustainability import OWNER, refusal, sustainability
from worker.adapters.aws_session import connect_sustainability
from worker.adapters.carbon_api import CarbonApi
from worker.adapters.sample_carbon import Footprint, sample_footprints
from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import TransientError
from worker.domain.estimates import Estimate, snapshots
from worker.domain.source import API_URL, CARBON, Source
from worker.ports.estimates import CarbonSource

JANUARY, MARCH = BillingPeriod(2026, 1), BillingPeriod(2026, 3)


class Aws(Protocol):
    """Who estimates, and the source that asks."""

    @property
    def source(self) -> CarbonSource: ...

    def publish(self, footprints: Sequence[Footprint]) -> None: ...

    def be_busy(self, calls: int) -> None: ...


class FakeAws:
    def __init__(self) -> None:
        self.source = FakeCarbonSource()

    def publish(self, footprints: Sequence[Footprint]) -> None:
        self.source.publish(footprints)

    def be_busy(self, calls: int) -> None:
        self.source.fail_first(calls, TransientError("slow down", "ThrottlingException", retry_after_seconds=7.0))


@pytest.fixture(params=["fake", "api"])
def aws(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    if request.param == "fake":
        yield FakeAws()
        return
    OWNER.sign_in(monkeypatch)
    with sustainability() as service:

        class RealAws:
            source = CarbonApi(
                ASKED,
                connect_sustainability(ASKED, FakeRateLimiter(), endpoint_url=service.url, read_timeout_seconds=5),
            )

            def publish(self, footprints: Sequence[Footprint]) -> None:
                service.publish(footprints)

            def be_busy(self, calls: int) -> None:
                service.fail_first(calls, refusal(429, "ThrottlingException", Retry_After="7"))

        yield RealAws()


ASKED = Source("acme", "org-1", API_URL, CARBON)


def written(estimates: Sequence[Estimate]) -> list[tuple[str, str]]:
    return [(str(each.period), each.etag) for each in snapshots(estimates)]


def test_every_estimate_of_the_months_is_given_once_and_exactly(aws: Aws) -> None:
    months = [sample_footprints(month) for month in ("2025-12", "2026-01", "2026-02", "2026-03")]
    for month in months:
        aws.publish(month)

    estimates = aws.source.estimates(JANUARY, MARCH)

    asked_for = [*months[1], *months[2]]
    assert written(estimates) == written([estimate_of(each) for each in asked_for])
    assert len(estimates) == len(asked_for)


def test_a_month_without_estimates_is_an_empty_answer(aws: Aws) -> None:
    aws.publish(sample_footprints("2026-01"))

    assert aws.source.estimates(MARCH, MARCH.next()) == []


def test_a_restated_month_is_given_as_it_is_now(aws: Aws) -> None:
    aws.publish(sample_footprints("2026-01"))
    before = written(aws.source.estimates(JANUARY, MARCH))
    aws.publish(sample_footprints("2026-01", model_version="v3.1.0"))

    after = written(aws.source.estimates(JANUARY, MARCH))

    assert [period for period, _ in after] == ["2026-01"]
    assert after != before


def test_a_refusal_for_now_is_raised_with_the_delay_asked_for_and_not_tried_again(aws: Aws) -> None:
    aws.be_busy(1)

    with pytest.raises(TransientError) as caught:
        aws.source.estimates(JANUARY, MARCH)

    assert caught.value.retry_after_seconds == 7.0
    assert aws.source.requests == 1
    assert aws.source.estimates(JANUARY, MARCH) == []
