"""Whom a source's requests are signed by: roles, profiles, keys, or nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from tests.fakes.rate_limiter import FakeRateLimiter
from tests.servers.aws_account import BUCKET, EXTERNAL_ID, ROLE, AwsAccount
from tests.servers.http_stub import Answer, http_stub
from tests.servers.seaweed import Keys, Seaweed
from worker.adapters.aws_session import connect_s3
from worker.adapters.s3_reports import S3Reports
from worker.domain.errors import AuthError
from worker.domain.source import Source

EMPTY = Answer(body=b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
OURS, THEIRS = Keys("AKIAOURS0000000000", "our-secret"), Keys("ASIATHEIRS00000000", "their-secret")


@pytest.fixture
def source(s3_folder: str) -> Source:
    return Source("acme", "org-1", s3_folder, role_arn=ROLE, external_id="tenant-7")


def credentials(keys: Keys, lifetime: timedelta = timedelta(hours=1), token: str = "") -> Answer:
    """What STS says when a role is assumed."""
    until = datetime.now(UTC) + lifetime  # noqa: TID251 - botocore compares it with the host's clock
    return Answer(
        body=f"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
        <AccessKeyId>{keys.access_key}</AccessKeyId><SecretAccessKey>{keys.secret_key}</SecretAccessKey>
        <SessionToken>{token}</SessionToken><Expiration>{until.isoformat()}</Expiration>
        </Credentials></AssumeRoleResult></AssumeRoleResponse>""".encode()
    )


def test_a_role_is_assumed_with_its_external_id_once(
    seaweed: Seaweed, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    OURS.sign_in(monkeypatch)
    limiter = FakeRateLimiter()
    with http_stub(credentials(seaweed.owner)) as sts:
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
    OURS.sign_in(monkeypatch)
    nearly_over = credentials(seaweed.owner, timedelta(minutes=5))
    with http_stub(nearly_over, credentials(seaweed.owner)) as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        store = S3Reports(source, connect_s3(source, FakeRateLimiter(), endpoint_url=seaweed.url))

        for _ in range(3):
            list(store.list())

    assert len(sts.asked) == 2


def test_a_role_that_may_not_be_assumed_is_named(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    OURS.sign_in(monkeypatch)
    text = f"User: arn:aws:iam::1:user/us is not authorized to perform: sts:AssumeRole on resource: {ROLE}"
    refusal = f"<ErrorResponse><Error><Code>AccessDenied</Code><Message>{text}</Message></Error></ErrorResponse>"
    with http_stub(Answer(403, refusal.encode())) as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        store = S3Reports(source, connect_s3(source, FakeRateLimiter(), endpoint_url="http://127.0.0.1:1"))

        with pytest.raises(AuthError) as caught:
            list(store.list())

    assert caught.value.remedy.startswith(f"grant sts:AssumeRole on {ROLE}, and let the role's trust policy name ")
    assert len(sts.asked) == 1


def refusal(code: str) -> Answer:
    return Answer(400, f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode())


@pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"])
def test_a_role_whose_credentials_are_refused_is_assumed_once_more(
    source: Source, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    OURS.sign_in(monkeypatch)
    limiter = FakeRateLimiter()
    with http_stub(*(credentials(THEIRS, token=token) for token in "ab")) as sts, http_stub(refusal(code), EMPTY) as s3:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        store = S3Reports(source, connect_s3(source, limiter, endpoint_url=s3.url))

        listings = [list(store.list()), list(store.list())]

    assert listings == [[], []]
    assert [each.headers["X-Amz-Security-Token"] for each in s3.asked] == ["a", "b", "b"]
    assert store.requests == limiter.taken.total() == len(s3.asked) + len(sts.asked) == 5


def test_a_role_that_is_refused_again_is_an_auth_error(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    OURS.sign_in(monkeypatch)
    with http_stub(credentials(THEIRS)) as sts, http_stub(refusal("ExpiredToken")) as s3:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        store = S3Reports(source, connect_s3(source, FakeRateLimiter(), endpoint_url=s3.url))

        with pytest.raises(AuthError) as caught:
            list(store.list())

    assert caught.value.code == "ExpiredToken"
    assert (len(sts.asked), len(s3.asked)) == (2, 2)


def test_keys_that_never_change_are_not_tried_again(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    OURS.sign_in(monkeypatch)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "old")
    own = replace(source, role_arn="")
    with http_stub(refusal("ExpiredToken")) as s3:
        store = S3Reports(own, connect_s3(own, FakeRateLimiter(), endpoint_url=s3.url))

        with pytest.raises(AuthError) as caught:
            list(store.list())

    assert caught.value.remedy.startswith("renew the credentials")
    assert len(s3.asked) == store.requests == 1


def test_a_role_of_a_profile_is_assumed_once_more_too(
    source: Source, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    OURS.sign_in(monkeypatch)
    (tmp_path / "config").write_text(
        f"[profile billing]\nrole_arn={ROLE}\ncredential_source=Environment\nregion=us-east-1\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    source = replace(source, role_arn="", profile="billing")
    with (
        http_stub(*(credentials(THEIRS, token=token) for token in "ab")) as sts,
        http_stub(refusal("ExpiredToken"), EMPTY) as s3,
    ):
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        store = S3Reports(source, connect_s3(source, FakeRateLimiter(), endpoint_url=s3.url))

        list(store.list())

    assert [each.headers["X-Amz-Security-Token"] for each in s3.asked] == ["a", "b"]
    assert store.requests == 4


def test_a_role_is_assumed_in_an_account_that_checks_its_trust(
    aws_account: AwsAccount, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws_account.member.sign_in(monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", aws_account.url)
    source = replace(source, url=f"s3://{BUCKET}/cur/", role_arn=ROLE, external_id=EXTERNAL_ID)
    store = S3Reports(source, connect_s3(source, FakeRateLimiter(), endpoint_url=aws_account.url))

    [listed] = store.list()

    assert listed.key == "cur/a.csv"
    assert store.requests == 2


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
