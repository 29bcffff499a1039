"""What is published, the files behind it, and why a month is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import datetime

    from worker.domain.garbage import StoredFile
    from worker.domain.plan import Slot
    from worker.domain.publication import Held, Publication, PublicationRecord
    from worker.domain.report import RunReport


class PublishedMonths(Protocol):
    """What is published now, and what was."""

    def records(self, org_id: str | None = None) -> tuple[PublicationRecord, ...]:
        """The current publication record of every slot (of one org)."""

    def forgotten(self, org_id: str | None = None) -> tuple[tuple[PublicationRecord, datetime], ...]:
        """The last record of every slot that was forgotten and not published since, and when it was forgotten."""

    def record_at(self, uri: str) -> PublicationRecord:
        """A record by its URI, as another's ``previous`` has it."""


class ActivityTable(PublishedMonths, Protocol):
    """The published activities of every org."""

    def current(self, slot: Slot) -> PublicationRecord | None: ...

    def columns(self, org_id: str) -> str:
        """The columns of the org's table, or those that it will be made with: as a part has to have them, for its writer to read."""

    def publish(self, slot: Slot, decide: Callable[[Held], Publication | None]) -> tuple[PublicationRecord, int]:
        """Commit what ``decide`` makes of the held state, in one table commit; decide again when another commit came first.

        None from ``decide`` means that nothing is left to do. Returns the slot's record and the snapshot id that has it.
        """

    def forget(self, slot: Slot, at: datetime) -> PublicationRecord:
        """Unpublish the slot, in one table commit, and return its record. NotFoundError when it is not published."""


class TableFiles(Protocol):
    """Every file behind an org's table, and which of them something still needs."""

    def orgs(self) -> tuple[str, ...]: ...

    def turn(self, org_id: str) -> AbstractContextManager[Callable[[], None]]:
        """Keep publishers of the org waiting while the block runs; yields a check that raises once they wait no more.

        TransientError when the turn cannot be had: without it nothing may be deleted.
        """

    def trim(self, org_id: str, before: datetime, *, dry_run: bool) -> tuple[int, int]:
        """Expire the snapshots that were replaced before then, leave out manifests without files; how many of each."""

    def stored(self, org_id: str) -> tuple[StoredFile, ...]:
        """The files below the table that it or we may have written; no others."""

    def needed(self, org_id: str, before: datetime) -> frozenset[str]:
        """The identities of all files that a snapshot or version needs that is current, or was replaced later than then."""

    def delete(self, files: Iterable[StoredFile]) -> None:
        """Delete the files, in this order. One that is gone already is no error."""


class RunReports(Protocol):
    """The last closed run of every slot, kept beside the table: it says why a month is missing when Redis is gone."""

    def keep(self, report: RunReport) -> None: ...

    def latest(self) -> tuple[RunReport, ...]: ...
