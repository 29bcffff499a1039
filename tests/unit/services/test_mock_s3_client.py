"""The bucket in memory that the other tests stand on; `tests/contracts/test_report_store.py` holds it to what S3 does,
`tests/unit/test_fake_report_store.py` to failing on demand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.report_store import FakeReportStore, still_wanted
from worker.domain.errors import NotFoundError


@pytest.fixture
def bucket() -> FakeReportStore:
    store = FakeReportStore("cur/", "reports")
    for key in ("cur/b.csv", "cur/a.csv", "other/c.csv"):
        store.put(key, key.encode())
    return store


def test_mock_s3_client(bucket: FakeReportStore, tmp_path: Path) -> None:
    [first, second] = bucket.list()

    arrived = bucket.fetch(first.key, first.etag, first.size, tmp_path / "a", still_wanted)

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
