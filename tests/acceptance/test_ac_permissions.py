"""Acceptance criterion 17: whatever AWS refuses, the error says what it is and exactly what to do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.fakes.rate_limiter import FakeRateLimiter
from tests.fakes.report_store import still_wanted
from tests.fakes.world import FakeWorld, never
from tests.servers.aws_account import EXTERNAL_ID, ROLE, AwsAccount
from tests.servers.http_stub import Answer, http_stub
from tests.servers.seaweed import BUCKET, Keys, Seaweed
from worker.adapters.aws_session import connect_s3
from worker.adapters.s3_reports import S3Reports
from worker.domain.errors import AuthError, BadRequestError, FatalError, IngestError, NotFoundError
from worker.domain.source import Source
from worker.domain.trigger import Trigger
from worker.services.plan_runs import plan_source

KEY = "cur/a.csv"
SOURCE = Source("acme", "org-1", f"s3://{BUCKET}/cur/", requester_pays=True)
IN_ROLE = replace(SOURCE, role_arn=ROLE, external_id=EXTERNAL_ID)
KMS_KEY = "arn:aws:kms:eu-west-1:123456789012:key/abc"


@dataclass(frozen=True)
class Reader:
    """Reads the bucket at an endpoint through the real adapter."""

    folder: Path

    def list(self, url: str, source: Source = SOURCE) -> None:
        list(self._store(url, source).list())

    def get(self, url: str, source: Source = SOURCE) -> None:
        self._store(url, source).fetch(KEY, "e", 4, self.folder / "into", still_wanted)

    def _store(self, url: str, source: Source) -> S3Reports:
        return S3Reports(source, connect_s3(source, FakeRateLimiter(), endpoint_url=url))


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    Keys("AKIAOURS0000000000", "our-secret").sign_in(monkeypatch)
    return Reader(tmp_path)


class Refusal(NamedTuple):
    """What S3 says to a GetObject, and what we must make of it."""

    status: int
    code: str
    kind: type[IngestError]
    remedy: str
    text: str = "no"
    details: str = ""
    source: Source = SOURCE
    calls: int = 1

    def answer(self) -> Answer:
        body = f"<Error><Code>{self.code}</Code><Message>{self.text}</Message>{self.details}</Error>"
        return Answer(self.status, body.encode(), {"x-amz-request-id": "REQ-1", "x-amz-id-2": "host/1="})


KMS_TEXT = f"User: u is not authorized to perform: kms:Decrypt on resource: {KMS_KEY} because no policy allows it"
REFUSALS = {
    "get": Refusal(
        403,
        "AccessDenied",
        AuthError,
        f"grant s3:GetObject on arn:aws:s3:::{BUCKET}/{KEY}; "
        f"grant s3:ListBucket on arn:aws:s3:::{BUCKET}, or a missing key looks like this",
    ),
    "requester_pays": Refusal(
        403,
        "AccessDenied",
        AuthError,
        f"grant s3:GetObject on arn:aws:s3:::{BUCKET}/{KEY}; "
        f"grant s3:ListBucket on arn:aws:s3:::{BUCKET}, or a missing key looks like this; "
        "or set requester_pays, if the bucket's readers pay",
        source=replace(SOURCE, requester_pays=False),
    ),
    "kms": Refusal(
        403, "AccessDenied", AuthError, f"grant kms:Decrypt on {KMS_KEY}, in the key's own policy too", KMS_TEXT
    ),
    "expired": Refusal(
        400, "ExpiredToken", AuthError, "renew the credentials (log in again, or set a new session token)"
    ),
    "region_301": Refusal(
        301,
        "PermanentRedirect",
        BadRequestError,
        "set the source's region to eu-south-1",
        details="<Region>eu-south-1</Region>",
        calls=2,
    ),
    "region_400": Refusal(
        400,
        "AuthorizationHeaderMalformed",
        AuthError,
        "set the source's region to eu-central-2",
        details="<Region>eu-central-2</Region>",
        calls=2,
    ),
    "no_such_bucket": Refusal(
        404, "NoSuchBucket", NotFoundError, f"check the source's url: s3://{BUCKET} does not exist"
    ),
    "glacier": Refusal(
        403,
        "InvalidObjectState",
        FatalError,
        "restore the object from GLACIER, and keep reports out of archiving rules",
        details="<StorageClass>GLACIER</StorageClass>",
    ),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_ac17_what_s3_refuses_is_named_with_its_remedy(reader: Reader, refusal: Refusal) -> None:
    with http_stub(refusal.answer()) as s3, pytest.raises(refusal.kind) as caught:
        reader.get(s3.url, refusal.source)

    error = caught.value
    assert (error.code, error.remedy, error.request_id) == (refusal.code, refusal.remedy, "REQ-1 host/1=")
    assert error.message == f"s3://{BUCKET}/{KEY}: {refusal.text} ({refusal.code}, HTTP {refusal.status})"
    assert len(s3.asked) == refusal.calls


def test_ac17_no_two_refusals_are_told_alike() -> None:
    assert len({refusal.remedy for refusal in REFUSALS.values()}) == len(REFUSALS)


def test_ac17_a_bucket_that_may_not_be_listed(
    reader: Reader, seaweed: Seaweed, monkeypatch: pytest.MonkeyPatch
) -> None:
    seaweed.reader.sign_in(monkeypatch)

    with pytest.raises(AuthError) as caught:
        reader.list(seaweed.url)

    assert caught.value.remedy == f"grant s3:ListBucket on arn:aws:s3:::{BUCKET}"


def test_ac17_a_bucket_that_is_not_there(reader: Reader, seaweed: Seaweed, monkeypatch: pytest.MonkeyPatch) -> None:
    seaweed.owner.sign_in(monkeypatch)

    with pytest.raises(NotFoundError) as caught:
        reader.list(seaweed.url, replace(SOURCE, url="s3://no-such-bucket/cur/"))

    assert caught.value.remedy == "check the source's url: s3://no-such-bucket does not exist"


def test_ac17_a_role_that_may_list_but_not_read(
    reader: Reader, aws_account: AwsAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws_account.member.sign_in(monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", aws_account.url)

    reader.list(aws_account.url, IN_ROLE)
    with pytest.raises(AuthError) as caught:
        reader.get(aws_account.url, IN_ROLE)

    assert caught.value.remedy.startswith(f"grant s3:GetObject on arn:aws:s3:::{BUCKET}/{KEY}; ")


def test_ac17_a_role_that_may_not_be_assumed(
    reader: Reader, aws_account: AwsAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws_account.stranger.sign_in(monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", aws_account.url)

    with http_stub(Answer()) as s3, pytest.raises(AuthError) as caught:
        reader.list(s3.url, replace(IN_ROLE, external_id=""))

    assert caught.value.remedy == (
        f"grant sts:AssumeRole on {ROLE}, and let the role's trust policy name this identity; "
        "or set external_id, if the trust policy asks for an sts:ExternalId"
    )
    assert s3.asked == []


def test_ac17_an_external_id_that_does_not_match(
    reader: Reader, aws_account: AwsAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws_account.member.sign_in(monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", aws_account.url)

    with http_stub(Answer()) as s3, pytest.raises(AuthError) as caught:
        reader.list(s3.url, replace(IN_ROLE, external_id="tenant-8"))

    assert caught.value.code == "AccessDenied"
    assert caught.value.remedy.endswith("; or its sts:ExternalId does not match: it must be the source's external_id")
    assert s3.asked == []


def test_ac17_what_is_not_delivered_yet_is_no_empty_month(
    tmp_path: Path, seaweed: Seaweed, s3_folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seaweed.owner.sign_in(monkeypatch)
    source = replace(SOURCE, url=s3_folder)
    store = S3Reports(source, connect_s3(source, FakeRateLimiter(), endpoint_url=seaweed.url))
    world = replace(FakeWorld(tmp_path).world, stores=lambda _source: store)

    with pytest.raises(NotFoundError) as caught:
        list(plan_source(world, source, Trigger("t1"), never))

    assert caught.value.code == "no_manifest"
    assert s3_folder in caught.value.message
    assert caught.value.remedy == "check the url; AWS writes a first delivery up to 24 hours after an export is made"
