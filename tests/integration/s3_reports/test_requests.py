"""What each request of S3Reports takes and says, and what becomes of those that are refused."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.acceptance.turnstile import turnstile
from tests.fakes.report_store import still_wanted
from tests.integration.s3_reports.bench import ETAG, MONTH, Bench, error_of, page
from tests.servers.http_stub import Answer, http_stub
from tests.servers.seaweed import BUCKET, Keys
from worker.adapters.aws_session import connect_s3
from worker.adapters.s3_reports import S3Reports
from worker.domain.errors import AuthError, TransientError


def test_every_request_takes_one_token_of_the_identitys_bucket(bench: Bench, tmp_path: Path) -> None:
    store = bench.store()

    list(store.list())
    store.read_manifest(bench.key)
    store.read_manifest(bench.key, if_none_match=ETAG)
    store.fetch(bench.key, ETAG, len(MONTH), tmp_path / "into", still_wanted)
    error_of(lambda: store.read_manifest(f"{bench.key}.gone"))

    [(bucket, taken)] = bench.limiter.taken.items()
    assert store.requests == taken == 5
    assert bucket.startswith("s3:")
    assert bench.server.owner.access_key not in bucket


def test_without_a_limiter_no_request_leaves(bench: Bench) -> None:
    bench.limiter.error = TransientError("no limiter")
    store = bench.store()

    with pytest.raises(TransientError, match="no limiter"):
        list(store.list())
    assert store.requests == 0


def with_a_wrong_secret(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    replace(bench.server.owner, secret_key="wrong-secret").sign_in(patch)


def with_an_unknown_key(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    Keys("AKIAUNKNOWN0000000", "wrong-secret").sign_in(patch)


def with_a_clock_that_is_off(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    half_an_hour_ago = datetime.now(UTC).replace(tzinfo=None) - timedelta(minutes=30)  # noqa: TID251 - the server's is right
    patch.setattr("botocore.auth.get_current_datetime", lambda: half_an_hour_ago)


@pytest.mark.parametrize(
    ("sign_in", "code", "remedy"),
    [
        (with_a_wrong_secret, "SignatureDoesNotMatch", "correct the secret: it is not the one that belongs to"),
        (with_an_unknown_key, "InvalidAccessKeyId", "use an access key that is active and that the endpoint knows"),
        (
            with_a_clock_that_is_off,
            "RequestTimeTooSkewed",
            "fix this host's clock: AWS refuses requests that are dated",
        ),
    ],
)
def test_who_cannot_prove_who_they_are_is_refused_after_one_call(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    sign_in: Callable[[Bench, pytest.MonkeyPatch], None],
    code: str,
    remedy: str,
) -> None:
    sign_in(bench, monkeypatch)
    with turnstile(bench.server.port) as wire:
        store = bench.store(wire.url)

        error = error_of(lambda: list(store.list()))

    assert isinstance(error, AuthError)
    assert error.code == code
    assert error.message.endswith(f"({code}, HTTP 403)")
    assert error.remedy.startswith(remedy)
    assert not any(secret in repr(error) for secret in ("wrong-secret", "AKIA"))
    assert store.requests == len(wire.passed) == 1


def test_a_missing_permission_is_named_with_what_it_is_for(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.server.reader.sign_in(monkeypatch)
    store = bench.store(source=replace(bench.source, bucket_owner="123456789012"))

    error = error_of(lambda: list(store.list()))

    assert isinstance(error, AuthError)
    assert error.remedy.startswith(f"grant s3:ListBucket on arn:aws:s3:::{BUCKET};")
    assert "bucket_owner" in error.remedy


def test_a_throttled_request_is_left_to_our_own_retries(bench: Bench) -> None:
    busy = Answer(503, b"<Error><Code>SlowDown</Code><Message>Slow.</Message></Error>", {"Retry-After": "7"})
    with http_stub(busy) as stub:
        error = error_of(lambda: list(bench.store(stub.url).list()))

    assert isinstance(error, TransientError)
    assert error.retry_after_seconds == 7
    assert len(stub.asked) == 1


def test_a_server_that_says_nothing_is_not_waited_for(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        connection = connect_s3(bench.source, bench.limiter, endpoint_url=url, read_timeout_seconds=0.1)

        error = error_of(lambda: list(S3Reports(bench.source, connection).list()))

    assert isinstance(error, TransientError)
    assert error.code == "ReadTimeoutError"
    assert connection.meter.requests == 1


def test_owner_and_payer_are_said_with_every_request(bench: Bench) -> None:
    source = replace(bench.source, bucket_owner="123456789012", requester_pays=True)
    with http_stub(page(0), Answer(body=b"{}", headers={"ETag": '"e"'})) as stub:
        store = bench.store(stub.url, source)
        list(store.list())
        store.read_manifest(bench.key)

    assert [each.headers["x-amz-expected-bucket-owner"] for each in stub.asked] == ["123456789012"] * 2
    assert [each.headers["x-amz-request-payer"] for each in stub.asked] == ["requester"] * 2
