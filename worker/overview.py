"""How everything stands: months, and runs. `worker.api` has all of this too."""

from __future__ import annotations

# ruff: noqa: PLC0415 (as in `worker.api`: a function loads what it needs)
from typing import TYPE_CHECKING

from worker.domain.errors import TransientError
from worker.domain.outcome import FileOutcome, RunState
from worker.domain.report import RunReport
from worker.embedded import running_broker
from worker.settings import settings

if TYPE_CHECKING:
    from worker.ports import RunLedger
    from worker.services.status import Standing

LOOKED_AT = 100
"""How many of the newest runs are looked through for those in flight."""


def status() -> tuple[Standing, ...]:
    """Every month of every source: how it stands, why, and what to do. Works without a broker, then without runs in flight."""
    from worker.adapters.system_clock import SystemClock
    from worker.reading import reading_table, run_reports
    from worker.services.status import standings

    published = reading_table().records()
    newest = (*run_reports().latest(), *_in_flight())
    return standings(published, newest, SystemClock().now())


def _in_flight() -> tuple[RunReport, ...]:
    """The runs in flight as reports; none when no broker answers."""
    configured = settings().broker_url
    url = configured.get_secret_value() if configured else running_broker(settings().home.resolve())
    if url is None:
        return ()
    try:
        return tuple(report for report in recent_runs(url, LOOKED_AT) if report.state is RunState.RUNNING)
    except TransientError:
        return ()


def recent_runs(url: str, limit: int) -> tuple[RunReport, ...]:
    """The newest runs, newest first."""
    return tuple(run_report(url, run_id) for run_id in _ledger(url).recent(limit))


def run_report(url: str, run_id: str) -> RunReport:
    """How a run ended, or stands. NotFoundError for a run that the ledger does not know."""
    from worker.adapters.system_clock import SystemClock
    from worker.services.reporting import ended

    ledger = _ledger(url)
    report = ledger.report(run_id)
    if report is None:
        plan, outcomes = ledger.plan(run_id), ledger.outcomes(run_id)
        report = ended(run_id, plan, RunState.RUNNING, outcomes, SystemClock().now())
    return report


def run_files(url: str, run_id: str) -> tuple[FileOutcome, ...]:
    """What became of each file that the run read, in the order of their keys."""
    return tuple(sorted(_ledger(url).outcomes(run_id).values(), key=lambda outcome: outcome.key))


def _ledger(url: str) -> RunLedger:
    from worker.bootstrap import use_cases

    return use_cases(url).world.ledger
