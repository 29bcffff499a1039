"""What a report file becomes in the warehouse."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import polars as pl

    from worker.domain.outcome import FileOutcome
    from worker.domain.plan import FileJob


class PartStore(Protocol):
    """The warehouse's Parquet parts: written once, under the digest of their input."""

    def find(self, job: FileJob) -> FileOutcome | None:
        """The outcome kept in the part's footer, if the part was written already and is whole."""

    def has(self, outcome: FileOutcome) -> bool:
        """Whether the files that the outcome names are still there."""

    def create(self, job: FileJob, tag_keys: tuple[str, ...]) -> AbstractContextManager[PartWriter]:
        """A writer for the job's part and rejections. Leaving it without `PartWriter.finish` leaves nothing behind."""


class PartWriter(Protocol):
    """Writes the activities and rejections of one file, batch by batch."""

    def write(self, activities: pl.DataFrame) -> None: ...

    def reject(self, rejections: pl.DataFrame) -> None: ...

    def finish(self, outcome: FileOutcome) -> FileOutcome:
        """Put rejections and then the part in their places; returns the outcome with their URIs and the data file.

        FatalError when what was written, read back, is not the outcome's activities.
        """


class PublishedParts(Protocol):
    """The parts of published versions, to be read again."""

    def totals(self, parts: Iterable[str]) -> pl.DataFrame:
        """`worker.domain.restatement.totals` of the activities of these parts, by URI. NotFoundError when one is gone."""
