"""How files and runs ended, said once and everywhere in the same words: logs, metrics, alerts and dashboards know these events."""

from __future__ import annotations

from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import Failure
from worker.domain.outcome import FileOutcome, RunState
from worker.domain.plan import RunPlan
from worker.domain.report import RunReport
from worker.domain.source import CARBON, CONNECTORS, Source
from worker.ports.telemetry import Telemetry

WORKER_LOST = "worker_lost"
"""The code of a file's failure when three workers were lost over it."""

SUCCESSES = frozenset({RunState.PUBLISHED, RunState.UP_TO_DATE})

NEWEST_MONTHS = 3
"""The months whose freshness is told: AWS restates the last two, and years of them would be a series each."""


def span_of(source: Source) -> str:
    """The name of the span in which a source is ingested."""
    return "aws.ingest_carbon_footprint" if source.kind == CARBON else "aws.ingest_s3_cur"


def about(plan: RunPlan, run_id: str) -> dict[str, object]:
    """What every span of a run says of it."""
    return {
        "run_id": run_id,
        "source_name": plan.source.name,
        "org_id": plan.source.org_id,
        "connector": plan.connector,
        "billing_period": str(plan.period),
    }


def file_ended(telemetry: Telemetry, plan: RunPlan, run_id: str, outcome: FileOutcome) -> None:
    """Say what became of a file."""
    failure = outcome.failure
    telemetry.emit(
        "file.ended",
        **about(plan, run_id),
        key=outcome.key,
        outcome="failed" if failure else "ingested",
        rows=outcome.balance.read.rows,
        rejected=outcome.balance.rejected.rows,
        bytes_read=outcome.bytes_read,
        requests=outcome.requests,
        seconds=outcome.seconds,
        **_error(failure),
    )


def run_ended(telemetry: Telemetry, report: RunReport) -> None:
    """Say how a run ended, or a month that needed none."""
    telemetry.emit(
        _event(report),
        run_id=report.run_id,
        source_name=report.source_name,
        org_id=report.org_id,
        connector=report.connector,
        billing_period=report.billing_period,
        state=str(report.state),
        total_activities=report.balance.activities.rows,
        latency_ms=round(report.seconds * 1000),
        requests=report.requests,
        quarantined=sum(failure.code == WORKER_LOST for failure in report.errors),
        **_freshness(report),
        **_error(next(iter(report.errors), None)),
    )


def _event(report: RunReport) -> str:
    if report.state is RunState.PUBLISHED:
        return "ingestion complete"
    if report.state is RunState.FAILED:
        carbon = report.connector == CONNECTORS[CARBON]
        return "failed to ingest carbon footprint" if carbon else "failed to ingest S3 CUR"
    return "run.closed"


def _freshness(report: RunReport) -> dict[str, object]:
    """When a month succeeded and when it began, in Unix time, if it is one of the newest."""
    if report.state not in SUCCESSES or report.billing_period is None:
        return {}
    month, recent = BillingPeriod.at(report.at), set[str]()
    for _ in range(NEWEST_MONTHS):
        recent.add(str(month))
        month = month.previous()
    if report.billing_period not in recent:
        return {}
    began = BillingPeriod.parse(report.billing_period).start
    return {"succeeded_at": report.at.timestamp(), "month_began_at": began.timestamp()}


def _error(failure: Failure | None) -> dict[str, object]:
    return {"error": failure.message, "error_class": str(failure.error_class)} if failure else {}
