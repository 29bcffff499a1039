"""The estimates in memory that other tests stand on; `tests/contracts/test_carbon_source.py` holds them to what AWS does."""

from __future__ import annotations

import pytest

from tests.fakes.carbon_source import FakeCarbonSource
from worker.adapters.sample_carbon import sample_footprints
from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import TransientError
from worker.domain.estimates import Snapshot, snapshots
from worker.domain.retry import RetryPolicy

JANUARY = BillingPeriod(2026, 1)
BUSY = TransientError("slow down", "ThrottlingException", retry_after_seconds=7.0)


@pytest.fixture
def aws() -> FakeCarbonSource:
    source = FakeCarbonSource()
    source.publish(sample_footprints("2026-01"))
    return source


def asked_until_given_up(aws: FakeCarbonSource) -> tuple[tuple[Snapshot, ...], list[float]]:
    """What is asked for as often as the policy lets, and the delays that it prescribed."""
    delays: list[float] = []
    while True:
        try:
            return snapshots(aws.estimates(JANUARY, JANUARY.next())), delays
        except TransientError as error:
            delay = RetryPolicy(max_attempts=3).delay(len(delays) + 1, error, 0.5)
            if delay is None:
                raise
            delays.append(delay)


def test_mock_carbon_api(aws: FakeCarbonSource) -> None:
    [snapshot], delays = asked_until_given_up(aws)

    assert (snapshot.period, snapshot.model_version, delays, aws.requests) == (JANUARY, "v3.0.0", [], 1)


def test_mock_carbon_api_fail_first_n(aws: FakeCarbonSource) -> None:
    aws.fail_first(2, BUSY)

    [snapshot], delays = asked_until_given_up(aws)

    assert (snapshot.period, delays, aws.requests) == (JANUARY, [7.0, 7.0], 3)


def test_mock_carbon_api_that_fails_as_often_as_it_is_asked(aws: FakeCarbonSource) -> None:
    aws.fail_first(3, BUSY)

    with pytest.raises(TransientError):
        asked_until_given_up(aws)
    assert aws.requests == 3
