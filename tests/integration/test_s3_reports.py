"""S3Reports against a real S3 server, a proxy that breaks connections, and a stub for what neither can be made to say."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.acceptance.turnstile import turnstile
from tests.fakes.rate_limiter import FakeRateLimiter
from tests.fakes.report_store import still_wanted
from tests.servers.cutting_proxy import cutting_proxy
from tests.servers.http_stub import Answer, http_stub
from tests.servers.seaweed import BUCKET, Keys, Seaweed
from tests.waiting import until
from worker.adapters import s3_reports
from worker.adapters.aws_session import connect_s3
from worker.adapters.s3_reports import S3Reports
from worker.domain.errors import (
    AuthError,
    BadRequestError,
    ChangedError,
    FatalError,
    IngestError,
    NotFoundError,
    TransientError,
)
from worker.domain.source import Location, Source
from worker.services import interruptible as interruptible_module
from worker.services.interruptible import interruptible
from worker.services.lease import CancelledError

MIB = 1024 * 1024
MONTH = hashlib.shake_256(b"a month").digest(4 * MIB)
ETAG = hashlib.md5(MONTH).hexdigest()


@dataclass(frozen=True)
class Bench:
    """A folder of the bucket that has one month, and stores that read it."""

    server: Seaweed
    folder: str
    limiter: FakeRateLimiter

    @property
    def key(self) -> str:
        return f"{Location.parse(self.folder).prefix}/a.csv"

    @property
    def source(self) -> Source:
        return Source("acme", "org-1", self.folder)

    def put(self, key: str, body: bytes) -> None:
        self.server.client.put_object(Bucket=BUCKET, Key=key, Body=body)

    def store(self, endpoint_url: str = "", source: Source | None = None, **limits: int) -> S3Reports:
        source = source or self.source
        connection = connect_s3(source, self.limiter, endpoint_url=endpoint_url or self.server.url)
        return S3Reports(source, connection, **limits)


@pytest.fixture
def bench(seaweed: Seaweed, s3_folder: str, monkeypatch: pytest.MonkeyPatch) -> Bench:
    seaweed.owner.sign_in(monkeypatch)
    bench = Bench(seaweed, s3_folder, FakeRateLimiter())
    bench.put(bench.key, MONTH)
    return bench


def error_of(call: Callable[[], object]) -> IngestError:
    with pytest.raises(IngestError) as caught:
        call()
    return caught.value


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


def test_no_such_bucket_is_named(bench: Bench) -> None:
    error = error_of(lambda: list(bench.store(source=replace(bench.source, url="s3://no-such-bucket/cur/")).list()))

    assert isinstance(error, NotFoundError)
    assert "s3://no-such-bucket/cur/" in error.message
    assert "s3://no-such-bucket does not exist" in error.remedy


def test_a_prefix_is_a_folder_with_or_without_its_slash(bench: Bench) -> None:
    every_key = {"cur/a.csv", "cur-other/b.csv", "cur.csv"}
    bench.server.client.create_bucket(Bucket="prefixes")
    for key in every_key:
        bench.server.client.put_object(Bucket="prefixes", Key=key, Body=b"x")
    urls = [f"s3://prefixes{end}" for end in ("/cur", "/cur/", "/", "")]

    listings = [bench.store(source=replace(bench.source, url=url)).list() for url in urls]

    assert [{each.key for each in listing} for listing in listings] == [{"cur/a.csv"}] * 2 + [every_key] * 2


@pytest.mark.parametrize("cuts", [[2 * MIB], [200], [MIB, 2 * MIB]])
def test_a_body_that_breaks_off_is_resumed(bench: Bench, cuts: list[int], tmp_path: Path) -> None:
    with cutting_proxy(bench.server.port, cuts) as url:
        store = bench.store(url)

        received = store.fetch(bench.key, ETAG, len(MONTH), tmp_path / "into", still_wanted)

    assert received == len(MONTH)
    assert (tmp_path / "into").read_bytes() == MONTH
    assert store.requests == 1 + len(cuts)


def test_resuming_ends_with_the_attempts(bench: Bench, tmp_path: Path) -> None:
    with cutting_proxy(bench.server.port, [MIB] * 9) as url:
        store = bench.store(url, attempts=2)

        error = error_of(lambda: store.fetch(bench.key, ETAG, len(MONTH), tmp_path / "into", still_wanted))

    assert isinstance(error, TransientError)
    assert store.requests == 2


def test_what_is_replaced_while_its_body_is_broken_off_is_never_mixed(bench: Bench, tmp_path: Path) -> None:
    with cutting_proxy(bench.server.port, [MIB], on_cut=lambda: bench.put(bench.key, MONTH[::-1])) as url:
        store = bench.store(url)

        error = error_of(lambda: store.fetch(bench.key, ETAG, len(MONTH), tmp_path / "into", still_wanted))

    assert isinstance(error, ChangedError)
    assert store.requests == 2


def test_a_manifest_that_breaks_off_is_no_manifest(bench: Bench) -> None:
    with cutting_proxy(bench.server.port, [MIB]) as url:
        error = error_of(lambda: bench.store(url).read_manifest(bench.key))

    assert isinstance(error, TransientError)


@pytest.mark.parametrize("received", [10, 60, 120, 300])
def test_an_answer_that_breaks_off_in_its_headers_is_transient(bench: Bench, received: int) -> None:
    with cutting_proxy(bench.server.port, [received]) as url:
        error = error_of(lambda: bench.store(url).read_manifest(bench.key))

    assert isinstance(error, TransientError)


def test_a_manifest_over_the_limit_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_reports, "MANIFEST_LIMIT_BYTES", MIB)

    with pytest.raises(BadRequestError, match="longer than"):
        bench.store().read_manifest(bench.key)


def test_a_spool_that_cannot_be_written_is_no_matter_for_resuming(bench: Bench, tmp_path: Path) -> None:
    store = bench.store()

    error = error_of(lambda: store.fetch(bench.key, ETAG, len(MONTH), tmp_path / "no" / "folder", still_wanted))

    assert isinstance(error, NotFoundError)
    assert store.requests == 0


def page(keys: int, token: str = "") -> Answer:
    entry = "<Contents><Key>k</Key><LastModified>2024-01-01T00:00:00Z</LastModified><ETag>&quot;e&quot;</ETag><Size>1</Size></Contents>"
    more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>"
    end = more if token else "<IsTruncated>false</IsTruncated>"
    return Answer(body=f"<ListBucketResult>{end}{entry * keys}</ListBucketResult>".encode())


def test_a_listing_follows_its_pages_once_each(bench: Bench) -> None:
    with http_stub(page(2, "b"), page(2, "c"), page(1)) as stub:
        listed = list(bench.store(stub.url).list())

    assert len(listed) == 5
    assert ["continuation-token=b" in each.path for each in stub.asked] == [False, True, False]


def test_a_listing_whose_token_expires_goes_on_behind_the_last_key(bench: Bench) -> None:
    expired = Answer(
        400, b"<Error><Code>InvalidArgument</Code><Message>The continuation token is bad</Message></Error>"
    )
    with http_stub(page(2, "b"), expired, page(1)) as stub:
        listed = list(bench.store(stub.url).list())

    assert len(listed) == 3
    assert [f"start-after={listed[1].key}".replace("/", "%2F") in each.path for each in stub.asked] == [
        False,
        False,
        True,
    ]


def test_a_listing_that_is_refused_from_the_beginning_is_an_error(bench: Bench) -> None:
    refused = Answer(400, b"<Error><Code>InvalidArgument</Code><Message>no</Message></Error>")
    with http_stub(refused) as stub:
        error = error_of(lambda: list(bench.store(stub.url).list()))

    assert (type(error), len(stub.asked)) == (BadRequestError, 1)


def test_a_listing_in_circles_is_detected(bench: Bench) -> None:
    with http_stub(page(1, "b"), page(1, "c"), page(1, "b")) as stub:
        error = error_of(lambda: list(bench.store(stub.url).list()))

    assert isinstance(error, FatalError)
    assert len(stub.asked) == 3


def test_a_listing_beyond_the_page_limit_is_an_error(bench: Bench) -> None:
    with http_stub(page(1, "b"), page(1, "c"), page(1)) as stub:
        error = error_of(lambda: list(bench.store(stub.url, max_pages=2).list()))

    assert isinstance(error, BadRequestError)
    assert "2 pages" in error.message
    assert len(stub.asked) == 2


@pytest.mark.parametrize("body", [b"", b"<ListBucketResult><Contents>", b"<html>Welcome</html>", b"rows"])
def test_an_answer_that_is_no_listing_is_no_empty_listing(bench: Bench, body: bytes) -> None:
    with http_stub(Answer(body=body)) as stub:
        error = error_of(lambda: list(bench.store(stub.url).list()))

    assert isinstance(error, TransientError)


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


def test_a_resumed_body_must_go_on_where_the_first_one_broke(bench: Bench, tmp_path: Path) -> None:
    whole = Answer(body=b"rows", headers={"ETag": '"e"', "Content-Length": "4", "Connection": "close"})
    with http_stub(replace(whole, body=b"ro"), whole) as stub:
        store = bench.store(stub.url)

        error = error_of(lambda: store.fetch(bench.key, "e", 4, tmp_path / "into", still_wanted))

    assert isinstance(error, TransientError)
    assert error.code == "wrong_length"
    assert stub.asked[1].headers["Range"] == "bytes=2-"
    assert stub.asked[1].headers["If-Match"] == '"e"'


def test_a_download_that_is_stalled_does_not_hold_up_its_end(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interruptible_module, "GRACE_SECONDS", 0.0)
    ended = threading.Event()

    def fetched(go_on: Callable[[], None]) -> None:
        try:
            store.fetch(bench.key, "e", 4, tmp_path / "into", go_on)
        finally:
            ended.set()

    def cancelled() -> None:
        if stub.asked:
            raise CancelledError

    with http_stub(Answer(body=b"ro", headers={"ETag": '"e"', "Content-Length": "4"})) as stub:
        connection = connect_s3(bench.source, bench.limiter, endpoint_url=stub.url, read_timeout_seconds=3.0)
        store = S3Reports(bench.source, connection)

        with pytest.raises(CancelledError):
            interruptible(fetched, cancelled)
        was_stalled = not ended.is_set()
        until(ended.is_set)

    assert was_stalled
    assert store.requests == 1
