"""The bucket in memory that the other tests stand on; `tests/contracts/test_report_store.py` holds it to what S3 does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.report_store import FakeReportStore
from worker.domain.errors import AuthError, NotFoundError, TransientError

THROTTLED = TransientError("slow down", "SlowDown")


@pytest.fixture
def bucket() -> FakeReportStore:
    store = FakeReportStore("cur/", "reports")
    for key in ("cur/b.csv", "cur/a.csv", "other/c.csv"):
        store.put(key, key.encode())
    return store


def test_mock_s3_client(bucket: FakeReportStore, tmp_path: Path) -> None:
    [first, second] = bucket.list()

    arrived = bucket.fetch(first.key, first.etag, first.size, tmp_path / "a")

    assert (first.key, second.key) == ("cur/a.csv", "cur/b.csv")
    assert (arrived, (tmp_path / "a").read_bytes()) == (9, b"cur/a.csv")
    assert bucket.read_manifest("cur/b.csv") == (b"cur/b.csv", second.etag)
    assert bucket.read_manifest("cur/b.csv", second.etag) is None


def test_what_is_not_there_is_not_found(bucket: FakeReportStore) -> None:
    bucket.remove("cur/a.csv")

    with pytest.raises(NotFoundError):
        bucket.read_manifest("cur/a.csv")


def test_every_page_of_a_listing_is_a_request(bucket: FakeReportStore) -> None:
    for number in range(2000):
        bucket.put(f"cur/{number:04}", b"")

    listed = list(bucket.list())

    assert (len(listed), bucket.calls["list"], bucket.requests) == (2002, 1, 3)


def test_an_error_is_injected_by_key(bucket: FakeReportStore) -> None:
    bucket.fail_key("cur/a.csv", AuthError("no"))

    assert bucket.read_manifest("cur/b.csv") is not None
    with pytest.raises(AuthError):
        bucket.read_manifest("cur/a.csv")


def test_an_error_is_injected_by_prefix(bucket: FakeReportStore) -> None:
    bucket.fail_prefix("cur/", THROTTLED)

    with pytest.raises(TransientError):
        list(bucket.list())
    with pytest.raises(TransientError):
        bucket.read_manifest("cur/b.csv")


def test_the_first_calls_fail_and_then_it_works(bucket: FakeReportStore) -> None:
    bucket.fail_first(2, THROTTLED)

    for _ in range(2):
        with pytest.raises(TransientError):
            list(bucket.list())

    assert len(list(bucket.list())) == 2
    assert bucket.calls["list"] == 3


def test_after_a_reset_it_is_empty_and_was_never_called(bucket: FakeReportStore) -> None:
    bucket.fail_prefix("", THROTTLED)
    bucket.reset()

    assert list(bucket.list()) == []
    assert bucket.calls == {"list": 1}
