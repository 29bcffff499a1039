"""A bucket in memory, which fails on demand and counts its calls."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from worker.domain.discovery import StoredObject
from worker.domain.errors import BadRequestError, ChangedError, IngestError, NotFoundError, TransientError

PAGE = 1000
LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FakeObject:
    """A body, and when it was written."""

    body: bytes
    last_modified: datetime = LONG_AGO

    @property
    def etag(self) -> str:
        return hashlib.md5(self.body).hexdigest()


def still_wanted() -> None:
    """Nobody has lost interest in what is fetched."""


class FakeReportStore:
    """`worker.ports.reports.ReportStore` on a dict.

    ``calls`` counts the methods called; ``requests`` what they would cost on S3, where every page of a listing is one.
    Injected errors are raised for a key, for all keys below a prefix (and listings of it), or by the first n calls.
    """

    roots: tuple[str, ...] = ("",)

    def __init__(self, prefix: str = "", bucket: str = "reports") -> None:
        self.bucket = bucket
        self._prefix = prefix
        self.reset()

    def reset(self) -> None:
        """An empty bucket that was never called and will not fail."""
        self.exists = True
        self.objects: dict[str, FakeObject] = {}
        self.calls: Counter[str] = Counter()
        self.requests = 0
        self._failures: list[tuple[str, IngestError]] = []
        self._first: list[IngestError] = []

    def put(self, key: str, body: bytes, last_modified: datetime = LONG_AGO) -> None:
        self.objects[key] = FakeObject(body, last_modified)

    def remove(self, key: str) -> None:
        del self.objects[key]

    def fail_key(self, key: str, error: IngestError) -> None:
        self._failures.append((key, error))

    def fail_prefix(self, prefix: str, error: IngestError) -> None:
        self._failures.append((f"{prefix}*", error))

    def fail_first(self, calls: int, error: IngestError) -> None:
        self._first = [error] * calls

    def list(self) -> Iterator[StoredObject]:
        self._called("list", self._prefix)
        if not self.exists:
            raise NotFoundError(f"s3://{self.bucket}: no such bucket", "NoSuchBucket")
        keys = sorted(key for key in self.objects if key.startswith(self._prefix))
        self.requests += max(0, len(keys) - 1) // PAGE
        for key in keys:
            stored = self.objects[key]
            yield StoredObject(key, stored.etag, len(stored.body), stored.last_modified)

    def read_manifest(self, key: str, if_none_match: str | None = None) -> tuple[bytes, str] | None:
        stored = self._get("read_manifest", key)
        return None if stored.etag == if_none_match else (stored.body, stored.etag)

    def fetch(self, key: str, etag: str, size: int, into: Path, still_wanted: Callable[[], None]) -> int:
        stored = self._get("fetch", key)
        if stored.etag != etag:
            raise ChangedError(f"{key} was replaced", "PreconditionFailed")
        if len(stored.body) != size:
            raise TransientError(f"{key}: {len(stored.body)} bytes are coming, {size} were planned", "wrong_length")
        into.touch()
        still_wanted()
        return into.write_bytes(stored.body)

    def _get(self, operation: str, key: str) -> FakeObject:
        if not key.startswith(self._prefix):
            raise BadRequestError(f"{key} is outside of {self._prefix}", "outside_prefix")
        self._called(operation, key)
        if key not in self.objects:
            raise NotFoundError(f"s3://{self.bucket}/{key}: no such key", "NoSuchKey")
        return self.objects[key]

    def _called(self, operation: str, key: str) -> None:
        self.calls[operation] += 1
        self.requests += 1
        if self._first:
            raise self._first.pop()
        for place, error in self._failures:
            if key == place or (place.endswith("*") and key.startswith(place[:-1])):
                raise error
