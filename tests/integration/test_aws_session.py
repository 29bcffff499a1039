"""Clients of AWS as a source has them: metered, limited, in the right region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError
from limits.storage import storage_from_string

from tests.fakes.rate_limiter import FakeRateLimiter
from tests.servers.http_stub import Answer, http_stub
from tests.servers.seaweed import Keys
from worker.adapters import aws_session
from worker.adapters.aws_errors import LONGEST_RETRY_AFTER_SECONDS
from worker.adapters.aws_session import connect_s3, connect_sustainability
from worker.adapters.s3_reports import S3Reports
from worker.adapters.token_bucket import TokenBucketLimiter
from worker.adapters.token_bucket_storage import TokenBucket
from worker.domain.errors import AuthError, BadRequestError, IngestError, TransientError
from worker.domain.source import Source

ROLE = "arn:aws:iam::123456789012:role/reports"

EMPTY = Answer(body=b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
OURS = Keys("AKIAOURS0000000000", "our-secret")


@pytest.fixture
def source() -> Source:
    return Source("acme", "org-1", "s3://reports/cur/")


@pytest.fixture(autouse=True)
def _signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    OURS.sign_in(monkeypatch)


def refusal(code: str, status: int = 400, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode(), headers or {})


@pytest.mark.parametrize(
    ("answer", "pauses"),
    [
        (refusal("SlowDown", 503), [1.0]),
        (refusal("ThrottlingException", 400), [1.0]),
        (refusal("Novelty", 429), [1.0]),
        (refusal("SlowDown", 503, {"Retry-After": "7"}), [7.0]),
        (refusal("SlowDown", 503, {"x-amz-retry-after": "1500"}), [1.5]),
        (refusal("SlowDown", 503, {"Retry-After": "86400"}), [LONGEST_RETRY_AFTER_SECONDS]),
        (refusal("InternalError", 500, {"Retry-After": "7"}), []),
        (refusal("AccessDenied", 403), []),
    ],
)
def test_a_throttled_request_pushes_its_bucket_back(
    source: Source, monkeypatch: pytest.MonkeyPatch, answer: Answer, pauses: list[float]
) -> None:
    limiter = FakeRateLimiter()
    with http_stub(answer) as s3:
        connection = connect_s3(source, limiter, endpoint_url=s3.url)

        with pytest.raises(IngestError):
            list(S3Reports(source, connection).list())

    assert limiter.pauses == [(connection.meter.bucket, seconds) for seconds in pauses]
    assert len(s3.asked) == 1


def test_a_pause_that_one_client_is_told_makes_the_others_wait(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    limiter = TokenBucketLimiter(storage_from_string("tb+memory://"), {"s3": TokenBucket(100, 50)}, sleep=waits.append)
    with http_stub(refusal("SlowDown", 503, {"Retry-After": "7"}), EMPTY) as s3:
        one, other = (S3Reports(source, connect_s3(source, limiter, endpoint_url=s3.url)) for _ in range(2))

        with pytest.raises(TransientError):
            list(one.list())
        list(other.list())

    assert waits == pytest.approx([7], abs=0.5)


def test_emissions_are_asked_for_as_the_same_identity_and_metered_apart(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, limiter = replace(source, region="eu-west-1"), FakeRateLimiter()
    reports = connect_s3(source, limiter, endpoint_url="http://127.0.0.1:1")
    busy = Answer(429, b"{}", {"x-amzn-errortype": "ThrottlingException", "Retry-After": "3"})
    month = {"Start": datetime(2025, 1, 1, tzinfo=UTC), "End": datetime(2025, 2, 1, tzinfo=UTC)}
    with http_stub(busy, Answer(body=b'{"Results": []}')) as api:
        connection = connect_sustainability(source, limiter, endpoint_url=api.url)

        with pytest.raises(ClientError):
            connection.client.get_estimated_carbon_emissions(TimePeriod=month)
        answer = connection.client.get_estimated_carbon_emissions(TimePeriod=month)

    family, _, identity = connection.meter.bucket.partition(":")
    assert answer["Results"] == []
    assert "/us-east-1/sustainability/aws4_request" in api.asked[0].headers["Authorization"]
    assert (family, identity) == ("sustainability", reports.meter.bucket.partition(":")[2])
    assert connection.meter.requests == limiter.taken[connection.meter.bucket] == len(api.asked) == 2
    assert limiter.pauses == [(connection.meter.bucket, 3.0)]


def test_a_boto3_that_does_not_know_the_api_is_to_be_replaced(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.loaders.Loader.list_available_services", lambda *_: ["s3"])
    aws_session._service_models.cache_clear()

    with pytest.raises(BadRequestError) as caught:
        connect_sustainability(source, FakeRateLimiter())
    aws_session._service_models.cache_clear()

    assert (caught.value.code, caught.value.remedy) == ("UnknownServiceError", "install a newer boto3")


def test_nothing_that_can_be_printed_holds_a_secret(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    Keys("AKIACANARY00000000", "canary-secret").sign_in(monkeypatch)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "canary-token")
    leaky = b"""<Error><Code>InvalidToken</Code><Token-0>canary-token</Token-0><AWSAccessKeyId>AKIACANARY00000000</AWSAccessKeyId>
        <Message>X-Amz-Security-Token=canary-token, Signature=canary-secret of AKIACANARY00000000</Message></Error>"""
    with http_stub(Answer(403, leaky)) as s3:
        connection = connect_s3(source, FakeRateLimiter(), endpoint_url=s3.url)
        store = S3Reports(source, connection)
        with pytest.raises(AuthError) as caught:
            list(store.list())

    printed = repr(
        [source, connection, connection.client, connection.meter, vars(connection.meter), store, caught.value]
    )
    assert "canary" not in f"{printed}{caught.value}".lower()


def test_an_identity_has_one_bucket_and_others_have_theirs(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    in_role = replace(source, role_arn=ROLE)
    sources = [
        in_role,
        replace(in_role, name="b"),
        replace(source, role_arn=f"{ROLE}-2"),
        source,
        replace(source, name="b"),
    ]

    buckets = [connect_s3(each, FakeRateLimiter()).meter.bucket for each in sources]

    assert len(set(buckets)) == 3
    assert buckets[0] == buckets[1]
    assert buckets[3] == buckets[4]


@pytest.mark.parametrize(("configured", "region"), [("eu-west-1", "eu-west-1"), ("", "us-east-1")])
def test_the_region_is_the_sources_or_the_one_that_reports_come_from(
    source: Source, configured: str, region: str, monkeypatch: pytest.MonkeyPatch
) -> None:

    client = connect_s3(replace(source, region=configured), FakeRateLimiter()).client

    assert client.meta.region_name == region
