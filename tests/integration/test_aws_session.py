"""Whom a source's requests are signed by: roles, profiles, keys, or nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from tests.fakes.rate_limiter import FakeRateLimiter
from tests.servers.http_stub import Answer, http_stub
from tests.servers.seaweed import Keys, Seaweed
from worker.adapters.aws_session import connect_s3
from worker.adapters.s3_reports import S3Reports
from worker.domain.errors import AuthError
from worker.domain.source import Source

ROLE = "arn:aws:iam::123456789012:role/reports"


@pytest.fixture
def source(s3_folder: str) -> Source:
    return Source("acme", "org-1", s3_folder, role_arn=ROLE, external_id="tenant-7")


def credentials(keys: Keys, lifetime: timedelta) -> Answer:
    """What STS says when a role is assumed."""
    until = datetime.now(UTC) + lifetime  # noqa: TID251 - botocore compares it with the host's clock
    return Answer(
        body=f"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
        <AccessKeyId>{keys.access_key}</AccessKeyId><SecretAccessKey>{keys.secret_key}</SecretAccessKey>
        <SessionToken></SessionToken><Expiration>{until.isoformat()}</Expiration>
        </Credentials></AssumeRoleResult></AssumeRoleResponse>""".encode()
    )


def test_a_role_is_assumed_with_its_external_id_once(
    seaweed: Seaweed, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    Keys("AKIAOURS0000000000", "our-secret").sign_in(monkeypatch)
    limiter = FakeRateLimiter()
    with http_stub(credentials(seaweed.owner, timedelta(hours=1))) as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        store = S3Reports(source, connect_s3(source, limiter, endpoint_url=seaweed.url))

        listings = [list(store.list()), list(store.list())]

    [asked] = sts.asked
    form = parse_qs(asked.body.decode())
    assert listings == [[], []]
    assert (form["RoleArn"], form["ExternalId"]) == ([ROLE], ["tenant-7"])
    assert store.requests == limiter.taken.total() == 3


def test_a_roles_credentials_are_renewed_before_they_expire(
    seaweed: Seaweed, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    Keys("AKIAOURS0000000000", "our-secret").sign_in(monkeypatch)
    nearly_over = credentials(seaweed.owner, timedelta(minutes=5))
    with http_stub(nearly_over, credentials(seaweed.owner, timedelta(hours=1))) as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        store = S3Reports(source, connect_s3(source, FakeRateLimiter(), endpoint_url=seaweed.url))

        for _ in range(3):
            list(store.list())

    assert len(sts.asked) == 2


def test_a_role_that_may_not_be_assumed_is_named(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    Keys("AKIAOURS0000000000", "our-secret").sign_in(monkeypatch)
    text = f"User: arn:aws:iam::1:user/us is not authorized to perform: sts:AssumeRole on resource: {ROLE}"
    refusal = f"<ErrorResponse><Error><Code>AccessDenied</Code><Message>{text}</Message></Error></ErrorResponse>"
    with http_stub(Answer(403, refusal.encode())) as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        store = S3Reports(source, connect_s3(source, FakeRateLimiter(), endpoint_url="http://127.0.0.1:1"))

        with pytest.raises(AuthError) as caught:
            list(store.list())

    assert caught.value.remedy == f"grant sts:AssumeRole on {ROLE}"
    assert len(sts.asked) == 1


def test_a_profile_is_the_identity_when_one_is_named(
    seaweed: Seaweed, source: Source, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Keys("AKIAOTHER000000000", "wrong-secret").sign_in(monkeypatch)
    (tmp_path / "credentials").write_text(
        f"[billing]\naws_access_key_id={seaweed.owner.access_key}\naws_secret_access_key={seaweed.owner.secret_key}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    source = replace(source, role_arn="", profile="billing")
    store = S3Reports(source, connect_s3(source, FakeRateLimiter(), endpoint_url=seaweed.url))

    assert list(store.list()) == []


def test_a_profile_that_is_not_there_is_an_auth_error(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    Keys("AKIAOTHER000000000", "wrong-secret").sign_in(monkeypatch)

    with pytest.raises(AuthError) as caught:
        connect_s3(replace(source, profile="nobody"), FakeRateLimiter())

    assert caught.value.code == "ProfileNotFound"
    assert "profile" in caught.value.remedy


def test_without_credentials_nothing_is_asked(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    Keys("", "").sign_in(monkeypatch)

    with pytest.raises(AuthError) as caught:
        connect_s3(source, FakeRateLimiter())

    assert caught.value.code == "NoCredentialsError"
    assert "acme" in caught.value.message
    assert "role_arn" in caught.value.remedy


def test_an_identity_has_one_bucket_and_others_have_theirs(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    Keys("AKIAONE00000000000", "secret").sign_in(monkeypatch)
    own = replace(source, role_arn="")
    sources = [source, replace(source, name="beta"), replace(source, role_arn=f"{ROLE}-2"), own, replace(own, name="b")]

    buckets = [connect_s3(each, FakeRateLimiter()).meter.bucket for each in sources]

    assert len(set(buckets)) == 3
    assert buckets[0] == buckets[1]
    assert buckets[3] == buckets[4]


@pytest.mark.parametrize(("configured", "region"), [("eu-west-1", "eu-west-1"), ("", "us-east-1")])
def test_the_region_is_the_sources_or_the_one_that_reports_come_from(
    source: Source, configured: str, region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Keys("AKIAONE00000000000", "secret").sign_in(monkeypatch)

    client = connect_s3(replace(source, region=configured), FakeRateLimiter()).client

    assert client.meta.region_name == region
