"""What a source delivers: its objects, and the rows of a report file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from worker.domain.columns import Binding
    from worker.domain.discovery import StoredObject


class ReportStore(Protocol):
    """The bucket (or folder) that one source's reports are delivered to, and nothing outside its prefix.

    ``requests`` counts the calls made to AWS so far through this store; a folder makes none.
    ``roots`` are the prefixes that a manifest's key may carry before a listed key: ``("",)`` on S3; for a folder, the names
    of the folder and of its parents, nearest first, because a copy may start anywhere inside the bucket.
    """

    roots: tuple[str, ...]
    bucket: str

    @property
    def requests(self) -> int: ...

    def list(self) -> Iterable[StoredObject]:
        """Every object below the prefix, in key order. NotFoundError when the bucket or folder is not there."""

    def read_manifest(self, key: str, if_none_match: str | None = None) -> tuple[bytes, str] | None:
        """A small object's body and ETag, or None when its ETag still is ``if_none_match``."""

    def fetch(self, key: str, etag: str, size: int, into: Path, still_wanted: Callable[[], None]) -> int:
        """Copy the object to a local file, whole, and return the bytes read. ``still_wanted`` is asked at every chunk.

        ChangedError when its ETag is no longer ``etag``; TransientError when fewer or more than ``size`` bytes arrive.
        """


class ReportReader(Protocol):
    """One spooled report file, its header bound."""

    binding: Binding

    @property
    def missing_fields(self) -> int: ...

    def batches(self, on_batch: Callable[[pl.DataFrame], None]) -> int:
        """Call ``on_batch`` with every batch of rows in file order, columns under their CUR 2.0 names, all text.

        Returns how many rows there were. ``missing_fields`` then says by how many fields they fell short of the header.
        """
