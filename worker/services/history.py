"""Every version of a month that was ever published, by following each record to the one that it replaced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from worker.domain.billing_period import BillingPeriod
from worker.domain.outcome import FileOutcome
from worker.domain.plan import Slot
from worker.domain.publication import PublicationRecord, PublishedFile
from worker.domain.report import RunReport
from worker.ports.table import PublishedMonths


@dataclass(frozen=True, slots=True)
class MonthHistory:
    """The versions of one slot, newest first. The first is what is published, unless the month was ``forgotten_at`` some time."""

    versions: tuple[PublicationRecord, ...]
    forgotten_at: datetime | None = None

    @property
    def slot(self) -> Slot:
        """Whose month it is."""
        return self.versions[0].slot

    @property
    def current(self) -> PublicationRecord | None:
        """The version that is published now."""
        return None if self.forgotten_at else self.versions[0]


def history(
    months: PublishedMonths, period: BillingPeriod, org_id: str | None = None, source_name: str | None = None
) -> tuple[MonthHistory, ...]:
    """The history of the month in every slot that ever published it, of one org and one source if named.

    A record outlives its parts: `vacuum` deletes those of a version that was replaced, never what it came to.
    """
    published = [(record, None) for record in months.records(org_id)]
    heads = [*published, *months.forgotten(org_id)]
    found = (
        MonthHistory(tuple(_back_from(months, record)), at)
        for record, at in heads
        if record.slot.period == period and source_name in {None, record.slot.source_name}
    )
    return tuple(sorted(found, key=lambda each: (each.slot.org_id, each.slot.source_name, each.slot.source)))


def _back_from(months: PublishedMonths, record: PublicationRecord) -> Iterator[PublicationRecord]:
    yield record
    while record.previous:
        record = months.record_at(record.previous)
        yield record


def files_of_run(months: PublishedMonths, report: RunReport) -> tuple[FileOutcome, ...]:
    """What the record of a published run knows of the files that the run read; of any other run, nothing."""
    if report.billing_period is None:
        return ()
    found = history(months, BillingPeriod.parse(report.billing_period), report.org_id, report.source_name)
    versions = (version for month in found for version in month.versions if version.run_id == report.run_id)
    return tuple(_outcome(file) for version in versions for file in version.files if file.run_id == report.run_id)


def _outcome(file: PublishedFile) -> FileOutcome:
    return FileOutcome(
        digest=file.digest,
        key=file.key,
        run_id=file.run_id,
        version_id=file.version_id,
        balance=file.balance,
        part=file.part,
        rejections=file.rejections,
        payers=file.payers,
        attempts=file.attempts,
    )
