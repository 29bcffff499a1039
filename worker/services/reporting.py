"""Reports of runs, from what is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from worker.domain.balance import Balance
from worker.domain.errors import Failure, IngestError
from worker.domain.outcome import FileOutcome, RunState
from worker.domain.plan import CONVERTER_VERSION, RunPlan
from worker.domain.publication import PublicationRecord
from worker.domain.report import FileCounts, RunReport, warnings
from worker.domain.source import CONNECTORS, Source, digest

OLDER_CONVERTER = "older converter: `ingest --reconvert` reads it again"


def up_to_date(record: PublicationRecord, requests: int, at: datetime) -> RunReport:
    """The month as it is published, nothing read."""
    return RunReport(
        run_id=record.run_id,
        source_name=record.slot.source_name,
        org_id=record.slot.org_id,
        connector=CONNECTORS[record.slot.source],
        billing_period=str(record.slot.period),
        state=RunState.UP_TO_DATE,
        at=at,
        version_id=record.version_id,
        final=record.is_final,
        files=FileCounts(total=len(record.files), unchanged=len(record.files)),
        balance=record.balance,
        requests=requests,
        warnings=record_warnings(record),
    )


def record_warnings(record: PublicationRecord) -> tuple[str, ...]:
    """What a reader of a published month must know."""
    older = (OLDER_CONVERTER,) if record.converter_version < CONVERTER_VERSION else ()
    return (*warnings(record.balance), *older)


def refused(trigger_id: str, source: Source, period: str | None, error: IngestError, at: datetime) -> RunReport:
    """What failed before there was a run; attempt 0 in its id says so."""
    return RunReport(
        run_id=f"{digest(trigger_id, source.name, source.kind, period or '')[:16]}-0",
        source_name=source.name,
        org_id=source.org_id,
        connector=source.connector,
        billing_period=period,
        state=RunState.FAILED,
        at=at,
        errors=(Failure.of(error),),
    )


def not_delivered(trigger_id: str, source: Source, period: str, at: datetime) -> RunReport:
    """A month that was asked for and that AWS has not delivered."""
    return RunReport(
        run_id=f"{digest(trigger_id, source.name, source.kind, period)[:16]}-0",
        source_name=source.name,
        org_id=source.org_id,
        connector=source.connector,
        billing_period=period,
        state=RunState.NOT_DELIVERED,
        at=at,
    )


def ended(
    run_id: str, plan: RunPlan, state: RunState, outcomes: Mapping[str, FileOutcome], at: datetime, *failures: Failure
) -> RunReport:
    """A run that ends without a publication: what its files came to, and why."""
    failed = [outcome for outcome in outcomes.values() if outcome.failure]
    done = [outcome for outcome in outcomes.values() if not outcome.failure]
    return RunReport(
        run_id=run_id,
        source_name=plan.source.name,
        org_id=plan.source.org_id,
        connector=plan.connector,
        billing_period=str(plan.period),
        state=state,
        at=at,
        version_id=plan.version_id,
        files=FileCounts(len(plan.files), len(done), len(plan.files) - len(plan.add), 0, len(failed)),
        balance=Balance.total(outcome.balance for outcome in done),
        bytes_read=sum(outcome.bytes_read for outcome in outcomes.values()),
        errors=(*(outcome.failure for outcome in failed if outcome.failure), *failures),
    )


def published(
    plan: RunPlan, record: PublicationRecord, snapshot_id: int, outcomes: Mapping[str, FileOutcome], at: datetime
) -> RunReport:
    """A run whose month is published."""
    return RunReport(
        run_id=record.run_id,
        source_name=plan.source.name,
        org_id=plan.source.org_id,
        connector=plan.connector,
        billing_period=str(plan.period),
        state=RunState.PUBLISHED,
        at=at,
        version_id=record.version_id,
        snapshot_id=snapshot_id,
        final=record.is_final,
        files=FileCounts(len(plan.files), len(plan.add), len(plan.files) - len(plan.add), plan.dropped),
        balance=record.balance,
        bytes_read=sum(outcome.bytes_read for outcome in outcomes.values()),
        warnings=record_warnings(record),
    )
