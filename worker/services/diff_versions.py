"""What AWS restated between two published versions of a month."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from worker.domain.balance import Tally
from worker.domain.billing_period import BillingPeriod
from worker.domain.diff import diff
from worker.domain.errors import FatalError, NotFoundError
from worker.domain.publication import PublicationRecord, PublishedFile
from worker.domain.restatement import GroupChange, restated, total
from worker.domain.versions import compared
from worker.ports.parts import PublishedParts
from worker.ports.table import PublishedMonths
from worker.services.history import MonthHistory, history


@dataclass(frozen=True, slots=True)
class Asked:
    """Which month, of which org and source, and which two versions; None is any, and the newest and the one before it."""

    period: BillingPeriod
    org_id: str | None = None
    source_name: str | None = None
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class VersionDiff:
    """Two versions of a slot. ``added``, ``dropped`` and ``kept`` are report files by key.

    ``groups`` has the changed ones only, and its figures are those of the added and dropped files: what a kept file says is
    the same in both versions, and is not read.
    """

    before: PublicationRecord
    after: PublicationRecord
    added: tuple[str, ...]
    dropped: tuple[str, ...]
    kept: tuple[str, ...]
    groups: tuple[GroupChange, ...]


def diff_versions(months: PublishedMonths, parts: PublishedParts, asked: Asked) -> tuple[VersionDiff, ...]:
    """The two versions compared in every slot that has both; NotFoundError when none has, or a part was vacuumed.

    Every figure is exact: the rows and sums read must be those that the records have, or a FatalError is raised.
    """
    found = history(months, asked.period, asked.org_id, asked.source_name)
    if not found:
        message = f"nothing was published for {asked.period} under these names"
        raise NotFoundError(message, "unpublished", "`offgridflow status` lists what is")
    pairs, missing = [], None
    for month in found:
        try:
            pairs.append((month, *compared(month.versions, asked.before, asked.after)))
        except NotFoundError as error:
            missing = error
    if missing and not pairs:
        raise missing
    return tuple(_diff(parts, *pair) for pair in pairs)


def _diff(
    parts: PublishedParts, month: MonthHistory, before: PublicationRecord, after: PublicationRecord
) -> VersionDiff:
    old, new = ({file.digest: file for file in record.files} for record in (before, after))
    changes = diff(new, old)
    dropped, added = [old[each] for each in changes.drop], [new[each] for each in changes.add]
    groups = restated(_totals(parts, month, before, dropped), _totals(parts, month, after, added))
    return VersionDiff(
        before, after, tuple(_keys(added)), tuple(_keys(dropped)), tuple(_keys(_of(new, changes.keep))), groups
    )


def _of(files: Mapping[str, PublishedFile], digests: Iterable[str]) -> Iterator[PublishedFile]:
    return (files[digest] for digest in digests)


def _keys(files: Iterable[PublishedFile]) -> list[str]:
    return sorted(file.key for file in files)


def _totals(
    parts: PublishedParts, month: MonthHistory, record: PublicationRecord, files: list[PublishedFile]
) -> pl.DataFrame:
    about = f"{record.slot.source_name} {record.slot.period}: version {record.version_id} (run {record.run_id})"
    try:
        frame = parts.totals(file.part for file in files if file.part)
    except NotFoundError as error:
        if record is month.current:
            raise
        message = f"{about} was replaced so long ago that its parts were vacuumed; it cannot be compared any more"
        raise NotFoundError(message, "vacuumed", "`offgridflow history` still has its totals") from error
    expected = Tally.total(file.balance.activities for file in files)
    if total(frame) != expected:
        message = f"{about}: its parts have {total(frame)}, its record {expected}"
        raise FatalError(message, "unbalanced", "check the warehouse: `offgridflow doctor`")
    return frame
