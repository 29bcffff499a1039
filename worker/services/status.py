"""Source by month: what is published, what is running, what failed, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from worker.domain.billing_period import BillingPeriod
from worker.domain.outcome import RunState
from worker.domain.plan import Slot
from worker.domain.publication import PublicationRecord
from worker.domain.report import RunReport
from worker.domain.source import CARBON, CUR, KINDS, Source
from worker.domain.standing import Cell, Standing
from worker.services.reporting import OLDER_CONVERTER, record_warnings

LATE_AFTER = timedelta(hours=48)
ESTIMATED_AFTER = timedelta(days=20)
"""AWS publishes a month's estimates by the 21st of the next one."""

NEVER_INGESTED, NOTHING = "never ingested", "nothing to do"

Key = tuple[str, str, str, str | None]
Judgement = tuple[Cell, str, str]
"""How a month stands, why, and what to do."""


def standings(
    records: Iterable[PublicationRecord],
    newest: Iterable[RunReport],
    now: datetime,
    configured: Iterable[Source] = (),
) -> tuple[Standing, ...]:
    """The grid, by org, source and month.

    ``newest`` is the last run of every month, ended or (state running) not. A ``configured`` source of which nothing is
    known is there too, without a month.
    """
    reports = tuple(newest)
    planned_at = _planned_at(reports)
    # A source that failed before any month was known, and has been planned since, is well again.
    current = (each for each in reports if each.billing_period or each.at >= planned_at.get(_stream(each), each.at))
    published = {_key(record.slot): record for record in records}
    last = {(*_stream(report), report.billing_period): report for report in current}
    cells = [_standing(published.get(key), last.get(key), now) for key in {*published, *last}]
    found = [each for each in cells if each]
    known = {(each.org_id, each.source_name, each.source) for each in found}
    unknown = [each for each in configured if (each.org_id, each.name, each.kind) not in known]
    return tuple(sorted([*found, *map(_never_ingested, unknown)], key=_order))


def _order(each: Standing) -> tuple[str, ...]:
    """Usage above its emissions: side by side, never together."""
    return (each.org_id, each.source_name, str(each.source != CUR), each.period or "")


def _never_ingested(source: Source) -> Standing:
    step = f"offgridflow ingest {source.name}"
    return Standing(
        source.org_id, source.name, source.kind, None, Cell.NOT_DELIVERED, why=NEVER_INGESTED, next_step=step
    )


def _planned_at(reports: Iterable[RunReport]) -> dict[tuple[str, str, str], datetime]:
    """When a month of each source was planned last. A run in flight is no sign of it: it may be from before a failure."""
    found = dict[tuple[str, str, str], datetime]()
    for report in reports:
        if report.billing_period and report.state is not RunState.RUNNING:
            found[_stream(report)] = max(report.at, found.get(_stream(report), report.at))
    return found


def _stream(report: RunReport) -> tuple[str, str, str]:
    return (report.org_id, report.source_name, KINDS[report.connector])


def _key(slot: Slot) -> Key:
    return (slot.org_id, slot.source_name, slot.source, str(slot.period))


def _standing(record: PublicationRecord | None, report: RunReport | None, now: datetime) -> Standing | None:
    if record and report and report.at < record.published_at:
        report = None  # what is published came of it, or after it
    if report and (not record or report.state in (RunState.RUNNING, RunState.FAILED)):
        return _over(_of_run(report, now), record)
    return _of_record(record, report, now) if record else None


def _over(run: Standing | None, record: PublicationRecord | None) -> Standing | None:
    """What the newest run came to, with what is published still told."""
    if not run or not record:
        return run
    return replace(
        run,
        version_id=record.version_id,
        rows=record.balance.activities.rows,
        warnings=record_warnings(record),
        seen_version_id=run.seen_version_id or record.version_id,
        published_at=record.published_at,
    )


def _of_run(report: RunReport, now: datetime) -> Standing | None:
    """By its last run; None for a month that was unpublished on purpose."""
    judged = _judged(report, now)
    if judged is None:
        return None
    cell, why, next_step = judged
    return Standing(
        org_id=report.org_id,
        source_name=report.source_name,
        source=KINDS[report.connector],
        period=report.billing_period,
        cell=cell,
        at=report.at,
        why=why,
        next_step=next_step,
        run_id=report.run_id,
        seen_version_id=report.version_id,
        looked_at=report.at,
    )


def _judged(report: RunReport, now: datetime) -> Judgement | None:
    match report.state:
        case RunState.RUNNING:
            return Cell.RUNNING, "a run is in flight", f"offgridflow runs {report.run_id}"
        case RunState.FAILED:
            first = report.errors[0] if report.errors else None
            why = first.message if first else "the run failed"
            return Cell.FAILED, why, (first.remedy if first else "") or f"offgridflow ingest {report.source_name}"
        case RunState.NOT_DELIVERED:
            return Cell.NOT_DELIVERED, *_awaited(report, now)
        case RunState.CANCELLED | RunState.SUPERSEDED:
            step = f"offgridflow ingest {report.source_name}"
            return Cell.NOT_DELIVERED, f"the last run was {report.state}", step
        case _:
            return None


def _awaited(report: RunReport, now: datetime) -> tuple[str, str]:
    """Why a month is not there yet, and what to do."""
    if KINDS[report.connector] != CARBON or not report.billing_period:
        return "AWS has not delivered a manifest", f"offgridflow doctor {report.source_name}"
    due = BillingPeriod.parse(report.billing_period).end + ESTIMATED_AFTER
    if now < due:
        return f"AWS estimates the month by {due:%Y-%m-%d}", NOTHING
    return f"AWS has not estimated the month, which was due by {due:%Y-%m-%d}", "look at it in AWS's own console"


def _of_record(record: PublicationRecord, report: RunReport | None, now: datetime) -> Standing:
    """By what is published; ``report`` is of a later look."""
    slot, looked_at = record.slot, report.at if report else record.published_at
    seen = (report.version_id if report else "") or record.version_id
    cell, why, next_step = _aged(record, looked_at, now)
    warnings = record_warnings(record)
    if warnings and next_step in ("", NOTHING):
        older_only = warnings == (OLDER_CONVERTER,)
        reconvert = f"offgridflow ingest {slot.source_name} --reconvert"
        next_step = reconvert if older_only else f"offgridflow runs {record.run_id}"
    if seen != record.version_id:
        warnings = (*warnings, f"a newer delivery ({seen}) is not published")
        next_step = f"offgridflow ingest {slot.source_name}"
    return Standing(
        org_id=slot.org_id,
        source_name=slot.source_name,
        source=slot.source,
        period=str(slot.period),
        cell=cell,
        version_id=record.version_id,
        rows=record.balance.activities.rows,
        at=record.published_at,
        warnings=warnings,
        why=why,
        next_step=next_step,
        run_id=record.run_id,
        seen_version_id=seen,
        looked_at=looked_at,
        published_at=record.published_at,
    )


def _aged(record: PublicationRecord, looked_at: datetime, now: datetime) -> Judgement:
    if record.was_final:
        return Cell.RESTATED, "AWS restated the month after it was final", f"offgridflow diff {record.slot.period}"
    if record.is_final:
        return Cell.COMPLETE, "", ""
    if now - record.published_at <= LATE_AFTER:
        return Cell.PROVISIONAL, "AWS has not closed the bill", NOTHING
    if now - looked_at > LATE_AFTER:
        step = f"offgridflow ingest {record.slot.source_name}"
        return Cell.LATE, "not final, and nobody has looked for 48 hours", step
    step = f"offgridflow doctor {record.slot.source_name}"
    return Cell.LATE, "not final, and nothing newer for 48 hours", step
