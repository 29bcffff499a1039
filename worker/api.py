"""OffGridFlow ingest from Python: the few functions that the command itself is made of.

    acme = source("s3://my-cur-bucket/cur/", org_id="org-123")
    reports = ingest(acme)
    usage = activities(org_id="org-123", period="2024-01")

Without OFFGRIDFLOW_BROKER_URL an embedded server and its workers run for as long as a function needs them.
"""

from __future__ import annotations

# ruff: noqa: PLC0415 (a function loads what it needs: `offgridflow --help` should not wait for a database)
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from worker.backfilling import backfill, plan_backfill
from worker.doctor import doctor
from worker.domain.errors import IngestError
from worker.domain.plan import RunPlan
from worker.domain.report import RunReport
from worker.domain.source import Source
from worker.embedded import embedded_broker
from worker.months import diff, forget, history, vacuum
from worker.overview import overview, recent_runs, run_files, run_report, status
from worker.runs import cancel, request, retry, trigger, watch
from worker.schedules import pause, resume, schedule
from worker.settings import settings
from worker.sources import carbon_source_of, source_of

if TYPE_CHECKING:
    import polars as pl

    from worker.adapters.duckdb_query import QueryResult
    from worker.services.explain_plan import FileChange
    from worker.services.follow import Standing
    from worker.services.world import World

__all__ = [
    "MonthPlan", "activities", "backfill", "broker", "cancel", "carbon_source", "diff", "doctor", "export", "forget", "history",
    "ingest", "overview", "pause", "plan", "plan_backfill", "query", "recent_runs", "request", "resume", "retry",
    "run_files", "run_report", "schedule", "source", "status", "trigger", "vacuum", "watch",
]  # fmt: skip


def source(url: str, org_id: str, name: str | None = None, **fields: object) -> Source:
    """A source by its URL; ``fields`` are those of a `[[source]]`, as offgridflow.toml has them.

    BadRequestError names everything that is wrong with it.
    """
    return source_of(url, org_id, name, **fields)


def carbon_source(org_id: str, name: str, url: str | None = None, **fields: object) -> Source:
    """AWS's own estimates of emissions: what its API answers or, with a ``url``, what its export delivers there.

    ``fields`` are those of a `[[source]]`. BadRequestError names everything that is wrong with it.
    """
    return carbon_source_of(org_id, name, url, **fields)


@contextmanager
def broker() -> Iterator[str]:
    """The URL of the broker: the configured one, or an embedded one that runs while the block does."""
    configured = settings().broker_url
    if configured is not None:
        yield configured.get_secret_value()
        return
    with embedded_broker(settings().home.resolve()) as url:
        yield url


def ingest(
    *sources: Source,
    start: str | None = None,
    end: str | None = None,
    on_look: Callable[[Standing], None] = lambda _standing: None,
) -> tuple[RunReport, ...]:
    """Ingest sources and wait for the end: one report for each month.

    ``start`` and ``end`` are months (``YYYY-MM``), half open. ``on_look`` is told how things stand, several times a second.
    A month that failed is a report with errors, not an exception; what is raised is an IngestError about the broker.
    """
    wanted = request(*sources, start=start, end=end)
    with broker() as url:
        trigger(url, wanted)
        return watch(url, wanted.trigger_id, on_look)


@dataclass(frozen=True, slots=True)
class MonthPlan:
    """A month that an ingest would publish: what it would do with each file, and why."""

    plan: RunPlan
    files: tuple[FileChange, ...]


def plan(wanted: Source, start: str | None = None, end: str | None = None) -> tuple[MonthPlan | RunReport, ...]:
    """What an ingest would do, month by month; nothing is written. A month without work is its report.

    Raises what an ingest would report of the whole source.
    """
    from worker.services.plan_runs import plan_source

    question = request(wanted, start=start, end=end)
    with broker() as url:
        world = _world(url)
        planned = tuple(plan_source(world, wanted, question, _never))
        return tuple(each if isinstance(each, RunReport) else _explained(each) for each in planned)


def _explained(planned: RunPlan) -> MonthPlan:
    from worker.reading import reading_table
    from worker.services.explain_plan import explain

    return MonthPlan(planned, explain(planned, reading_table().current(planned.slot)))


def _never(_error: IngestError) -> bool:
    return False


def query(sql: str, org_id: str | None = None) -> QueryResult:
    """One SELECT over ``activities``, ``usage``, ``emissions`` and ``rejections``. Needs no broker."""
    from worker.adapters import duckdb_query
    from worker.reading import reading_table

    return duckdb_query.query(sql, reading_table(), org_id)


def activities(org_id: str | None = None, source_name: str | None = None, period: str | None = None) -> pl.LazyFrame:
    """The published activities, narrowed to an org, a source or a month. Needs no broker."""
    from worker.adapters.activity_scan import scan
    from worker.adapters.table_version import Selection
    from worker.reading import reading_table

    return scan(reading_table(), org_id, Selection(source_name, None, period))


def export(
    out: Path,
    format_: str,
    *,
    org_id: str | None = None,
    source_name: str | None = None,
    period: str | None = None,
) -> int:
    """Write published activities to a file as ``parquet``, ``csv`` or ``jsonl``; returns how many. Needs no broker."""
    from worker.adapters import exports
    from worker.adapters.table_version import Selection
    from worker.reading import reading_table

    return exports.export(reading_table(), org_id, Selection(source_name, None, period), out, format_)


def _world(url: str) -> World:
    from worker.bootstrap import use_cases

    return use_cases(url).world
