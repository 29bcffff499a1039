"""What every report store does: one suite for the fake, for a folder, and for S3."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import pytest

from tests.fakes.rate_limiter import FakeRateLimiter
from tests.fakes.report_store import FakeReportStore, still_wanted
from tests.servers.seaweed import Seaweed
from worker.adapters.aws_session import connect_s3
from worker.adapters.local_reports import LocalReports
from worker.adapters.s3_reports import S3Reports
from worker.domain.discovery import StoredObject
from worker.domain.errors import BadRequestError, ChangedError, NotFoundError, TransientError
from worker.domain.source import Location, Source
from worker.ports.reports import ReportStore
from worker.services.lease import CancelledError


class Delivery(Protocol):
    """A place that reports are delivered to, below ``cur``, and the store that reads it from there."""

    outside: str

    @property
    def store(self) -> ReportStore: ...

    def put(self, path: str, body: bytes) -> None:
        """Write ``path``, from the root of the bucket."""

    def remove(self, path: str) -> None: ...

    def key(self, path: str) -> str:
        """What the store calls it."""

    def requests_for(self, pages: int) -> int:
        """What a listing of so many pages of a thousand costs."""

    def nowhere(self) -> ReportStore:
        """A store on what does not exist."""


class FakeDelivery:
    outside = "cur-other/a.csv"

    def __init__(self) -> None:
        self.store = FakeReportStore("cur/")

    def put(self, path: str, body: bytes) -> None:
        self.store.put(path, body)

    def remove(self, path: str) -> None:
        self.store.remove(path)

    def key(self, path: str) -> str:
        return path

    def requests_for(self, pages: int) -> int:
        return pages

    def nowhere(self) -> ReportStore:
        store = FakeReportStore()
        store.exists = False
        return store


class FolderDelivery:
    outside = "../cur-other/a.csv"

    def __init__(self, root: Path) -> None:
        self._root = root
        self._clock = itertools.count(1_700_000_000_000_000_000)
        (root / "cur").mkdir()
        self.store = LocalReports(root / "cur")

    def put(self, path: str, body: bytes) -> None:
        place = self._root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)
        now = next(self._clock)  # a file system may stamp two writes alike
        os.utime(place, ns=(now, now))

    def remove(self, path: str) -> None:
        (self._root / path).unlink()

    def key(self, path: str) -> str:
        return path.removeprefix("cur/")

    def requests_for(self, pages: int) -> int:
        return 0

    def nowhere(self) -> ReportStore:
        return LocalReports(self._root / "nowhere")


class S3Delivery:
    outside = "cur-other/a.csv"

    def __init__(self, server: Seaweed, folder: str) -> None:
        self._server = server
        self._root = Location.parse(folder)
        self.store = self._open(f"{folder}/cur")

    def put(self, path: str, body: bytes) -> None:
        self._server.client.put_object(Bucket=self._root.bucket, Key=self.key(path), Body=body)

    def remove(self, path: str) -> None:
        self._server.client.delete_object(Bucket=self._root.bucket, Key=self.key(path))

    def key(self, path: str) -> str:
        return f"{self._root.prefix}/{path}"

    def requests_for(self, pages: int) -> int:
        return pages

    def nowhere(self) -> ReportStore:
        return self._open("s3://no-such-bucket/cur")

    def _open(self, url: str) -> ReportStore:
        source = Source("acme", "org-1", url)
        return S3Reports(source, connect_s3(source, FakeRateLimiter(), endpoint_url=self._server.url))


@pytest.fixture(params=["fake", "folder", "s3"])
def delivery(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Delivery]:
    match request.param:
        case "fake":
            yield FakeDelivery()
        case "folder":
            yield FolderDelivery(tmp_path)
        case _:
            server: Seaweed = request.getfixturevalue("seaweed")
            with pytest.MonkeyPatch.context() as environment:
                server.owner.sign_in(environment)
                yield S3Delivery(server, request.getfixturevalue("s3_folder"))


def the_object(delivery: Delivery, path: str) -> StoredObject:
    [found] = [each for each in delivery.store.list() if each.key == delivery.key(path)]
    return found


def test_a_listing_is_in_key_order_with_sizes_and_distinct_etags(delivery: Delivery) -> None:
    paths = ("cur/2.csv", "cur/a/1.csv", "cur/a/b/1.csv", "cur/c.csv")
    for path in reversed(paths):
        delivery.put(path, path.encode() * len(path))

    listed = list(delivery.store.list())

    assert [each.key for each in listed] == [delivery.key(path) for path in paths]
    assert [each.size for each in listed] == [len(path) ** 2 for path in paths]
    assert len({each.etag for each in listed}) == 4
    assert all(each.last_modified.tzinfo for each in listed)
    assert not any('"' in each.etag for each in listed)


def test_a_listing_stays_below_its_prefix(delivery: Delivery) -> None:
    for path in ("cur/in.csv", "cur-other/out.csv", "out.csv"):
        delivery.put(path, b"x")

    assert [each.key for each in delivery.store.list()] == [delivery.key("cur/in.csv")]


def test_what_is_not_there_yet_is_an_empty_listing(delivery: Delivery) -> None:
    assert list(delivery.store.list()) == []


def test_more_than_a_thousand_keys_come_whole_and_in_order(delivery: Delivery) -> None:
    names = [f"cur/{number:04}.csv" for number in range(1001)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: delivery.put(name, b"x"), names))

    listed = [each.key for each in delivery.store.list()]

    assert listed == [delivery.key(name) for name in names]
    assert delivery.store.requests == delivery.requests_for(pages=2)


@pytest.mark.parametrize(
    "path",
    [
        "cur/data/BILLING_PERIOD=2024-01/2024-01-31T00:00:00.000Z-0f/part 1.csv.gz",
        "cur/München + 100%/ж&?.csv",
    ],
)
def test_unusual_keys_are_listed_and_fetched_verbatim(delivery: Delivery, path: str, tmp_path: Path) -> None:
    delivery.put(path, b"rows")

    [found] = delivery.store.list()
    delivery.store.fetch(found.key, found.etag, found.size, tmp_path / "into", still_wanted)

    assert found.key == delivery.key(path)
    assert (tmp_path / "into").read_bytes() == b"rows"


def test_a_manifest_is_read_with_the_etag_that_its_listing_shows(delivery: Delivery) -> None:
    delivery.put("cur/r-Manifest.json", b"{}")

    read = delivery.store.read_manifest(delivery.key("cur/r-Manifest.json"))

    assert read == (b"{}", the_object(delivery, "cur/r-Manifest.json").etag)


def test_an_unchanged_manifest_is_not_read_again(delivery: Delivery) -> None:
    delivery.put("cur/r-Manifest.json", b"{}")
    key = delivery.key("cur/r-Manifest.json")
    first = delivery.store.read_manifest(key)
    assert first is not None

    assert delivery.store.read_manifest(key, if_none_match=first[1]) is None


def test_a_changed_manifest_is_read_again(delivery: Delivery) -> None:
    delivery.put("cur/r-Manifest.json", b"{}")
    key = delivery.key("cur/r-Manifest.json")
    first = delivery.store.read_manifest(key)
    assert first is not None
    delivery.put("cur/r-Manifest.json", b"[]")

    second = delivery.store.read_manifest(key, if_none_match=first[1])

    assert second is not None
    assert second[0] == b"[]"
    assert second[1] != first[1]


@pytest.mark.parametrize("size", [0, 1, 3 * 1024 * 1024 + 7])
def test_a_file_is_fetched_whole(delivery: Delivery, size: int, tmp_path: Path) -> None:
    body = hashlib.shake_256(b"a month").digest(size)
    delivery.put("cur/a.csv", body)
    found = the_object(delivery, "cur/a.csv")

    received = delivery.store.fetch(found.key, found.etag, found.size, tmp_path / "into", still_wanted)

    assert received == size
    assert (tmp_path / "into").read_bytes() == body


def test_a_file_that_nobody_wants_any_more_is_left_half_way(delivery: Delivery, tmp_path: Path) -> None:
    delivery.put("cur/a.csv", bytes(3 * 1024 * 1024))
    found = the_object(delivery, "cur/a.csv")

    def refused() -> None:
        raise CancelledError

    with pytest.raises(CancelledError):
        delivery.store.fetch(found.key, found.etag, found.size, tmp_path / "into", refused)

    assert (tmp_path / "into").stat().st_size < found.size


def test_a_replaced_file_is_not_the_one_that_was_planned(delivery: Delivery, tmp_path: Path) -> None:
    delivery.put("cur/a.csv", b"old rows")
    planned = the_object(delivery, "cur/a.csv")
    delivery.put("cur/a.csv", b"new rows")

    with pytest.raises(ChangedError):
        delivery.store.fetch(planned.key, planned.etag, planned.size, tmp_path / "into", still_wanted)


def test_a_file_of_another_size_than_planned_is_an_error(delivery: Delivery, tmp_path: Path) -> None:
    delivery.put("cur/a.csv", b"rows")
    found = the_object(delivery, "cur/a.csv")

    with pytest.raises(TransientError, match="4 bytes"):
        delivery.store.fetch(found.key, found.etag, 5, tmp_path / "into", still_wanted)


def test_what_is_gone_is_not_found(delivery: Delivery, tmp_path: Path) -> None:
    delivery.put("cur/a.csv", b"rows")
    found = the_object(delivery, "cur/a.csv")
    delivery.remove("cur/a.csv")

    with pytest.raises(NotFoundError, match=r"a\.csv"):
        delivery.store.fetch(found.key, found.etag, found.size, tmp_path / "into", still_wanted)
    with pytest.raises(NotFoundError, match=r"r-Manifest\.json"):
        delivery.store.read_manifest(delivery.key("cur/r-Manifest.json"))


def test_keys_outside_of_the_prefix_are_refused(delivery: Delivery, tmp_path: Path) -> None:
    delivery.put("cur-other/a.csv", b"rows")

    with pytest.raises(BadRequestError, match="outside"):
        delivery.store.fetch(delivery.outside, "etag", 4, tmp_path / "into", still_wanted)
    with pytest.raises(BadRequestError, match="outside"):
        delivery.store.read_manifest(delivery.outside)
    assert delivery.store.requests == 0


def test_a_bucket_that_is_not_there_is_not_found(delivery: Delivery) -> None:
    nowhere = delivery.nowhere()

    with pytest.raises(NotFoundError) as caught:
        list(nowhere.list())

    assert nowhere.bucket in caught.value.message


def test_the_empty_root_is_always_among_the_roots(delivery: Delivery) -> None:
    assert delivery.store.roots[0] == ""
