"""`doctor` on sources that are elsewhere, empty, ambiguous, or asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.acceptance.buckets import usage
from tests.fakes.clock import ManualClock
from tests.fakes.rate_limiter import FakeRateLimiter
from tests.integration.doctor.patient import Patient, verdicts
from tests.servers.http_stub import Answer, http_stub
from tests.servers.seaweed import BUCKET
from tests.servers.sustainability import OWNER, refusal, sustainability
from worker.adapters.sample_month import Month
from worker.adapters.source_probes import S3Probe
from worker.adapters.system_clock import SystemClock
from worker.domain.errors import IngestError
from worker.domain.source import Source


def test_a_bucket_in_another_region(patient: Patient) -> None:
    elsewhere = "<Error><Code>PermanentRedirect</Code><Message>no</Message><Region>eu-south-1</Region></Error>"

    with http_stub(Answer(301, elsewhere.encode())) as s3:
        patient.configure(OFFGRIDFLOW_S3_ENDPOINT_URL=s3.url)
        failed = patient.failure()

    assert (failed["check"], failed["remedy"]) == ("list", "set the source's region to eu-south-1")


def test_a_clock_that_aws_refuses(patient: Patient) -> None:
    skewed = "<Error><Code>RequestTimeTooSkewed</Code><Message>no</Message></Error>"

    with http_stub(Answer(403, skewed.encode())) as s3:
        patient.configure(OFFGRIDFLOW_S3_ENDPOINT_URL=s3.url)
        failed = patient.failure()

    assert failed["check"] == "list"
    assert failed["remedy"].startswith("fix this host's clock")


def test_the_skew_is_told_by_whoever_answers_even_if_it_refuses(patient: Patient) -> None:
    clock = ManualClock(SystemClock().now() - timedelta(minutes=20))
    source = Source("acme", "org-1", "s3://reports/cur/")
    denied = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"

    with http_stub(Answer(403, denied, {"x-amz-bucket-region": "eu-west-1"})) as s3:
        probe = S3Probe(source, FakeRateLimiter(), clock, s3.url)
        with pytest.raises(IngestError):
            list(probe.store.list())

    assert probe.skew is not None
    assert abs(probe.skew - timedelta(minutes=20)) < timedelta(seconds=30)
    assert (probe.region, probe.bucket_region) == ("us-east-1", "eu-west-1")


def test_a_prefix_with_nothing_below_it(patient: Patient) -> None:
    patient.configure(place=f'[source.cur]\nurl = "s3://{BUCKET}/no-such-prefix"')

    failed = patient.failure()

    assert (failed["check"], failed["said"]) == (
        "manifests",
        f"no report's manifest lies under s3://{BUCKET}/no-such-prefix",
    )
    assert failed["remedy"].startswith("check the url; AWS writes a first delivery up to 24 hours after")


def test_several_exports_below_a_prefix(patient: Patient) -> None:
    patient.remote.deliver(Month("2025-01", rows=usage("1"), name="another"))

    failed = patient.failure()

    assert (failed["check"], "several reports lie under" in failed["said"]) == ("manifests", True)
    assert failed["remedy"].startswith("name one as `report`")


@pytest.fixture
def ask_carbon(patient: Patient) -> Callable[[str], None]:
    """Have the patient ask for its estimates at this URL."""

    def ask(url: str) -> None:
        OWNER.sign_in(patient.environment)
        patient.configure(place='[source.carbon]\nvia = "api"', OFFGRIDFLOW_SUSTAINABILITY_ENDPOINT_URL=url)

    return ask


def test_estimates_are_asked_for_once(patient: Patient, ask_carbon: Callable[[str], None]) -> None:
    with sustainability() as api:
        ask_carbon(api.url)
        code, findings = patient.says()
        asked = api.bodies

    assert (code, verdicts(findings)["estimates"]) == (0, "ok")
    assert [each["MaxResults"] for each in asked] == [1]


def test_estimates_that_may_not_be_asked_for(patient: Patient, ask_carbon: Callable[[str], None]) -> None:
    with sustainability() as api:
        api.fail_first(10, refusal(403, "AccessDeniedException"))
        ask_carbon(api.url)
        failed = patient.failure()

    assert failed["check"] == "estimates"
    assert failed["policy"] == {
        "Effect": "Allow",
        "Action": "sustainability:GetEstimatedCarbonEmissions",
        "Resource": "*",
    }
