"""The client of the Sustainability API: real boto3, and a service that checks its signatures, pages, and fails when told to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest

from tests.fakes.carbon_source import estimate_of
from tests.fakes.rate_limiter import FakeRateLimiter
from tests.servers.http_stub import Answer
from tests.servers.seaweed import Keys
from tests.servers.sustainability import OWNER, Sustainability, refusal, sustainability
from worker.adapters.aws_session import connect_sustainability
from worker.adapters.carbon_api import CarbonApi
from worker.adapters.sample_carbon import sample_footprints
from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import (
    AuthError,
    BadRequestError,
    FatalError,
    IngestError,
    NotFoundError,
    TransientError,
)
from worker.domain.estimates import Snapshot, snapshots
from worker.domain.source import API_URL, CARBON, Source

ASKED = Source("acme", "org-1", API_URL, CARBON)
JANUARY, MARCH = BillingPeriod(2026, 1), BillingPeriod(2026, 3)
SAMPLE = sample_footprints("2026-01")
RESTATED = sample_footprints("2026-01", model_version="v3.1.0")


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sustainability]:
    OWNER.sign_in(monkeypatch)
    with sustainability() as service:
        service.publish(SAMPLE)
        yield service


@pytest.fixture(params=["America/Los_Angeles", "Pacific/Kiritimati"])
def host_zone(request: pytest.FixtureRequest) -> Iterator[None]:
    """This host is elsewhere: boto3 gives times in its zone."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


def api(
    service: Sustainability, limiter: FakeRateLimiter | None = None, *, timeout: float = 10.0, **limits: int
) -> CarbonApi:
    connection = connect_sustainability(
        ASKED, limiter or FakeRateLimiter(), endpoint_url=service.url, read_timeout_seconds=timeout
    )
    return CarbonApi(ASKED, connection, **limits)


def asked(source: CarbonApi) -> tuple[Snapshot, ...]:
    return snapshots(source.estimates(JANUARY, MARCH))


def expected() -> tuple[Snapshot, ...]:
    return snapshots(map(estimate_of, SAMPLE))


def test_three_pages_are_three_requests_and_every_row_is_there_once(service: Sustainability) -> None:
    service.page_size, limiter = 30, FakeRateLimiter()
    source = api(service, limiter)

    found = asked(source)

    assert found == expected()
    assert len(SAMPLE) == 80
    assert [body.get("NextToken") is None for body in service.bodies] == [True, False, False]
    assert source.requests == limiter.taken.total() == 3


def test_it_is_asked_for_whole_months_by_account_region_and_service_and_for_every_figure(
    service: Sustainability,
) -> None:
    asked(api(service))

    [body] = service.bodies
    assert body["TimePeriod"] == {"Start": "2026-01-01T00:00:00Z", "End": "2026-03-01T00:00:00Z"}
    assert body["GroupBy"] == ["USAGE_ACCOUNT_ID", "REGION", "SERVICE"]
    assert (body["Granularity"], body["MaxResults"]) == ("MONTHLY", 1000)
    assert set(body["EmissionsTypes"]) == set(SAMPLE[0].figures)


def test_more_pages_than_allowed_are_an_error_and_no_shorter_answer(service: Sustainability) -> None:
    service.page_size = 30

    with pytest.raises(BadRequestError) as caught:
        asked(api(service, max_pages=2))

    assert (caught.value.code, len(service.asked)) == ("too_many_pages", 2)
    assert "OFFGRIDFLOW_MAX_PAGES" in caught.value.remedy


def test_as_many_pages_as_allowed_are_enough(service: Sustainability) -> None:
    service.page_size = 30

    assert asked(api(service, max_pages=3)) == expected()


def test_an_answer_that_goes_in_circles_is_noticed(service: Sustainability) -> None:
    circle = Answer(body=json.dumps({"Results": [], "NextToken": "again"}).encode())
    service.fail_first(9, circle)

    with pytest.raises(FatalError) as caught:
        asked(api(service))

    assert (caught.value.code, len(service.asked)) == ("repeated_token", 2)


def test_a_token_that_expires_on_the_way_is_worth_one_more_pass(service: Sustainability) -> None:
    service.page_size = 30
    service.meanwhile[2] = partial(service.publish, RESTATED)

    found = asked(api(service))

    assert found == snapshots(map(estimate_of, RESTATED))
    assert [body.get("NextToken") is None for body in service.bodies] == [True, False, True, False, False]


def test_tokens_that_always_expire_are_a_bad_request(service: Sustainability) -> None:
    service.page_size = 30
    service.meanwhile = dict.fromkeys((2, 4), partial(service.publish, RESTATED))

    with pytest.raises(BadRequestError) as caught:
        asked(api(service))

    assert caught.value.code == "ValidationException"
    assert len(service.asked) == 4


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (refusal(429, "ThrottlingException"), TransientError, "ThrottlingException"),
        (refusal(500, "InternalServerException"), TransientError, "InternalServerException"),
        (Answer(503), TransientError, "503"),
        (Answer(200, b"<html>"), TransientError, "broken_answer"),
        (Answer(200, b"{}"), TransientError, "broken_answer"),
        (None, TransientError, "ReadTimeoutError"),
        (refusal(400, "ValidationException"), BadRequestError, "ValidationException"),
        (refusal(401, "UnauthorizedAccess"), AuthError, "UnauthorizedAccess"),
        (refusal(403, "AccessDeniedException"), AuthError, "AccessDeniedException"),
        (refusal(404, "UnknownOperationException"), NotFoundError, "UnknownOperationException"),
    ],
)
def test_each_answer_has_its_class_and_costs_one_request(
    service: Sustainability, answer: Answer | None, kind: type[IngestError], code: str
) -> None:
    service.fail_first(1, answer)

    with pytest.raises(kind) as caught:
        asked(api(service, timeout=10.0 if answer else 0.5))

    assert caught.value.code == code
    assert len(service.asked) == 1


def test_a_failure_on_a_later_page_gives_nothing(service: Sustainability) -> None:
    service.page_size = 30
    service.meanwhile[2] = partial(service.fail_first, 1, refusal(500, "InternalServerException"))
    source = api(service)

    with pytest.raises(TransientError):
        asked(source)

    assert asked(source) == expected()


def test_throttling_says_for_how_long(service: Sustainability) -> None:
    service.fail_first(1, refusal(429, "ThrottlingException", Retry_After="7"))

    with pytest.raises(TransientError) as caught:
        asked(api(service))

    assert caught.value.retry_after_seconds == 7.0


def test_a_missing_permission_is_named(service: Sustainability) -> None:
    service.fail_first(1, refusal(403, "AccessDeniedException", "no"))

    with pytest.raises(AuthError) as caught:
        asked(api(service))

    assert "grant sustainability:GetEstimatedCarbonEmissions on *" in caught.value.remedy


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        (Keys(OWNER.access_key, "wrong-secret"), "InvalidSignatureException"),
        (Keys("NOBODY0000000000000", OWNER.secret_key), "UnrecognizedClientException"),
    ],
)
def test_only_who_signs_as_the_owner_is_answered(
    service: Sustainability, monkeypatch: pytest.MonkeyPatch, keys: Keys, code: str
) -> None:
    keys.sign_in(monkeypatch)

    with pytest.raises(AuthError) as caught:
        asked(api(service))

    assert caught.value.code == code
    assert len(service.asked) == 1


def test_months_do_not_depend_on_the_zone_of_this_host(service: Sustainability, host_zone: None) -> None:
    assert asked(api(service)) == expected()


def test_no_thread_of_the_service_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    OWNER.sign_in(monkeypatch)
    before = threading.active_count()
    with sustainability() as service:
        service.fail_first(1, None)
        with pytest.raises(TransientError):
            asked(api(service, timeout=0.5))

    assert threading.active_count() == before
