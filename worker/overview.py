"""How everything stands: months, and runs. `worker.api` has all of this too."""

from __future__ import annotations

# ruff: noqa: PLC0415 (as in `worker.api`: a function loads what it needs)
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from worker.bootstrap import ledger, use_cases
from worker.domain.errors import BadRequestError, IngestError
from worker.domain.outcome import FileOutcome, RunState
from worker.domain.report import RunReport
from worker.domain.source import Source
from worker.embedded import running_broker
from worker.schedules import schedule
from worker.settings import settings
from worker.sources import configured_sources

if TYPE_CHECKING:
    from worker.domain.standing import Standing
    from worker.services.overview import Machinery, Overview

T = TypeVar("T")

QUEUES = ("control", "files", "backfill")
UNSEEN = "runs in flight, workers, queues, schedules and token buckets are not shown"

LOOKED_AT = 100
"""How many of the newest runs are looked through for those in flight."""


def status() -> tuple[Standing, ...]:
    """Every month of every source: how it stands, why, and what to do. Works without a broker, then without runs in flight."""
    from worker.adapters.system_clock import SystemClock
    from worker.reading import reading_table, run_reports
    from worker.services.status import standings

    in_flight, _ = _of_the_broker(_in_flight)
    newest = (*run_reports().latest(), *(in_flight or ()))
    return standings(reading_table().records(), newest, SystemClock().now(), _configured())


def overview() -> Overview:
    """Every month, every source, workers, queues, schedules, token buckets. Without a broker it says what it cannot know.

    Workers have a second to answer.
    """
    from worker.adapters.system_clock import SystemClock
    from worker.services.overview import overview as put_together

    machinery, unknown = _of_the_broker(_machinery)
    return put_together(SystemClock().now(), status(), machinery, unknown)


def _configured() -> tuple[Source, ...]:
    """The sources of offgridflow.toml; none when there is no such file, and what is wrong with one is not told here."""
    try:
        return configured_sources()
    except BadRequestError:
        return ()


def known_broker() -> str | None:
    """The URL of the broker that is configured, or that runs embedded; none is started."""
    configured = settings().broker_url
    return configured.get_secret_value() if configured else running_broker(settings().home.resolve())


def _of_the_broker(read: Callable[[str], T]) -> tuple[T | None, str]:
    """What is read from the broker by its URL; or None, and why it is not known."""
    url = known_broker()
    if url is None:
        return None, f"{UNSEEN}: no broker is configured, and no embedded one runs"
    try:
        return read(url), ""
    except IngestError as error:
        return None, f"{UNSEEN}: {error.message}"


def _in_flight(url: str) -> tuple[RunReport, ...]:
    """The runs in flight as reports."""
    return tuple(each for each in recent_runs(url, LOOKED_AT) if each.state is RunState.RUNNING)


def _machinery(url: str) -> Machinery:
    from worker.adapters.celery_workers import workers
    from worker.composition import limiter
    from worker.services.overview import Machinery, QueueLevel

    backlog = use_cases(url).world.backlog
    schedules, has_beat = schedule(url)
    return Machinery(
        workers=workers(url),
        queues=tuple(QueueLevel(name, *backlog.waiting(name)) for name in QUEUES),
        limits=limiter(url).levels(),
        schedules=schedules,
        has_beat=has_beat,
    )


def recent_runs(url: str, limit: int) -> tuple[RunReport, ...]:
    """The newest runs, newest first."""
    return tuple(run_report(url, run_id) for run_id in ledger(url).recent(limit))


def run_report(url: str, run_id: str) -> RunReport:
    """How a run ended, or stands. NotFoundError for a run that the ledger does not know."""
    from worker.adapters.system_clock import SystemClock
    from worker.services.reporting import ended

    runs = ledger(url)
    report = runs.report(run_id)
    if report is None:
        plan, outcomes = runs.plan(run_id), runs.outcomes(run_id)
        report = ended(run_id, plan, RunState.RUNNING, outcomes, SystemClock().now())
    return report


def run_files(url: str, run_id: str) -> tuple[FileOutcome, ...]:
    """What became of each file that the run read, in the order of their keys.

    An hour after a run was published its record answers, which does not know what a file cost.
    """
    runs = ledger(url)
    found = runs.outcomes(run_id).values() or _published_files(runs.report(run_id))
    return tuple(sorted(found, key=lambda outcome: outcome.key))


def _published_files(report: RunReport | None) -> tuple[FileOutcome, ...]:
    from worker.reading import reading_table
    from worker.services.history import files_of_run

    return files_of_run(reading_table(), report) if report else ()
