"""Source by month: what is published, what is running, what failed, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from worker.domain.outcome import RunState
from worker.domain.plan import CUR, Slot
from worker.domain.publication import PublicationRecord
from worker.domain.report import RunReport
from worker.services.reporting import record_warnings

LATE_AFTER = timedelta(hours=48)


class Cell(StrEnum):
    """How a month of a source stands."""

    COMPLETE = "complete"
    PROVISIONAL = "provisional"
    RESTATED = "restated"
    LATE = "late"
    NOT_DELIVERED = "not_delivered"
    RUNNING = "running"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Standing:
    """One cell of the grid. ``period`` is None for a source that failed before any month was known.

    ``rows`` are the published activities; ``why`` and ``next_step`` are empty when nothing is to be said.
    """

    org_id: str
    source_name: str
    source: str
    period: str | None
    cell: Cell
    version_id: str
    rows: int
    at: datetime
    warnings: tuple[str, ...]
    why: str
    next_step: str

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing to look at: published, final, without a warning."""
        return self.cell is Cell.COMPLETE and not self.warnings


def standings(records: Iterable[PublicationRecord], newest: Iterable[RunReport], now: datetime) -> tuple[Standing, ...]:
    """The grid, by org, source and month. ``newest`` is the last run of every month, ended or (state running) not."""
    reports = tuple(newest)
    current = (report for report in reports if not _is_overtaken(report, reports))
    published = {_key(record.slot): record for record in records}
    last = {(report.org_id, report.source_name, CUR, report.billing_period): report for report in current}
    cells = [_standing(published.get(key), last.get(key), now) for key in {*published, *last}]
    found = (each for each in cells if each)
    return tuple(sorted(found, key=lambda each: (each.org_id, each.source_name, each.source, each.period or "")))


def _is_overtaken(report: RunReport, reports: tuple[RunReport, ...]) -> bool:
    """The source failed before any month was known, and has been planned since."""
    ended = [other for other in reports if other.billing_period and other.state is not RunState.RUNNING]
    source = (report.org_id, report.source_name)
    later = any((other.org_id, other.source_name) == source and other.at > report.at for other in ended)
    return report.billing_period is None and later


def _key(slot: Slot) -> tuple[str, str, str, str | None]:
    return (slot.org_id, slot.source_name, slot.source, str(slot.period))


def _standing(record: PublicationRecord | None, report: RunReport | None, now: datetime) -> Standing | None:
    if report and report.state in (RunState.RUNNING, RunState.FAILED) and not _is_older(report, record):
        return _unpublished(record, report)
    if record:
        return _published(record, now)
    if report and report.state is RunState.NOT_DELIVERED:
        return _of_report(report, Cell.NOT_DELIVERED, "AWS has not delivered a manifest", "look at the export in AWS")
    if report and report.state in (RunState.CANCELLED, RunState.SUPERSEDED):
        return _of_report(report, Cell.NOT_DELIVERED, f"the last run was {report.state}", "ingest again")
    return None


def _is_older(report: RunReport, record: PublicationRecord | None) -> bool:
    return record is not None and report.at < record.published_at


def _unpublished(record: PublicationRecord | None, report: RunReport) -> Standing:
    first = report.errors[0] if report.errors else None
    if report.state is RunState.RUNNING:
        return _of_report(report, Cell.RUNNING, "a run is in flight", f"offgridflow runs {report.run_id}", record)
    why = first.message if first else "the run failed"
    return _of_report(report, Cell.FAILED, why, (first.remedy if first else "") or "ingest again", record)


def _of_report(
    report: RunReport, cell: Cell, why: str, next_step: str, record: PublicationRecord | None = None
) -> Standing:
    return Standing(
        org_id=report.org_id,
        source_name=report.source_name,
        source=CUR,
        period=report.billing_period,
        cell=cell,
        version_id=record.version_id if record else "",
        rows=record.balance.activities.rows if record else 0,
        at=report.at,
        warnings=record_warnings(record) if record else (),
        why=why,
        next_step=next_step,
    )


def _published(record: PublicationRecord, now: datetime) -> Standing:
    cell, why, next_step = _cell(record, now)
    warnings = record_warnings(record)
    if warnings and not next_step:
        next_step = f"offgridflow runs {record.run_id}"
    return Standing(
        org_id=record.slot.org_id,
        source_name=record.slot.source_name,
        source=record.slot.source,
        period=str(record.slot.period),
        cell=cell,
        version_id=record.version_id,
        rows=record.balance.activities.rows,
        at=record.published_at,
        warnings=warnings,
        why=why,
        next_step=next_step,
    )


def _cell(record: PublicationRecord, now: datetime) -> tuple[Cell, str, str]:
    if record.was_final:
        return Cell.RESTATED, "AWS restated the month after it was final", f"offgridflow runs {record.run_id}"
    if record.is_final:
        return Cell.COMPLETE, "", ""
    if now - record.published_at > LATE_AFTER:
        return Cell.LATE, "not final, and nothing newer for 48 hours", "look at the export in AWS"
    return Cell.PROVISIONAL, "AWS has not closed the bill", ""
