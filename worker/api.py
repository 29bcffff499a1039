"""OffGridFlow ingest from Python: the few functions that the command itself is made of.

    acme = source("s3://my-cur-bucket/cur/", org_id="org-123")
    reports = ingest(acme)
    usage = activities(org_id="org-123", period="2024-01")

Without OFFGRIDFLOW_BROKER_URL an embedded server and its workers run for as long as a function needs them.
"""

from __future__ import annotations

# ruff: noqa: PLC0415 (a function loads what it needs: `offgridflow --help` should not wait for a database)
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import IngestError
from worker.domain.plan import RunPlan
from worker.domain.report import RunReport
from worker.domain.source import Source
from worker.domain.trigger import Trigger
from worker.embedded import embedded_broker
from worker.months import diff, forget, history, vacuum
from worker.overview import recent_runs, run_files, run_report, status
from worker.settings import settings
from worker.sources import source_of

if TYPE_CHECKING:
    import polars as pl

    from worker.adapters.duckdb_query import QueryResult
    from worker.services.explain_plan import FileChange
    from worker.services.follow import Standing
    from worker.services.world import World

__all__ = [
    "MonthPlan", "activities", "broker", "diff", "export", "forget", "history", "ingest", "plan", "query",
    "recent_runs", "request", "run_files", "run_report", "source", "status", "trigger", "vacuum", "watch",
]  # fmt: skip

LOOK_SECONDS = 0.2


def source(url: str, org_id: str, name: str | None = None, **fields: object) -> Source:
    """A source by its URL; ``fields`` are those of a `[[source]]`, as offgridflow.toml has them.

    BadRequestError names everything that is wrong with it.
    """
    return source_of(url, org_id, name, **fields)


@contextmanager
def broker() -> Iterator[str]:
    """The URL of the broker: the configured one, or an embedded one that runs while the block does."""
    configured = settings().broker_url
    if configured is not None:
        yield configured.get_secret_value()
        return
    with embedded_broker(settings().home.resolve()) as url:
        yield url


def request(
    *sources: Source,
    start: str | None = None,
    end: str | None = None,
    reconvert: bool = False,
    max_rejected_percent: float | None = None,
) -> Trigger:
    """What is asked for: these sources, in the months from ``start`` to before ``end`` (``YYYY-MM``)."""
    return Trigger(
        trigger_id=f"api-{uuid4().hex}",
        sources=sources,
        start=BillingPeriod.parse(start) if start else None,
        end=BillingPeriod.parse(end) if end else None,
        reconvert=reconvert,
        max_rejected_percent=max_rejected_percent,
    )


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


def trigger(url: str, wanted: Trigger) -> None:
    """Ask for runs, and return: the trigger is in the ledger before its message is sent, so that neither is lost."""
    from celery import Celery

    _world(url).triggers.open(wanted)
    sender = Celery(broker=url, set_as_current=False)
    message = {"trigger_id": wanted.trigger_id}
    sender.send_task("offgridflow.coordinate", (message,), queue="control", ignore_result=True)


def watch(url: str, trigger_id: str, on_look: Callable[[Standing], None]) -> tuple[RunReport, ...]:
    """Follow a trigger's runs to their end; their reports, by source and month."""
    from worker.services.follow import look

    world = _world(url)
    between_looks = threading.Event()
    while not (standing := look(world, trigger_id)).ended:
        on_look(standing)
        between_looks.wait(LOOK_SECONDS)
    on_look(standing)
    return tuple(sorted(standing.reports, key=lambda report: (report.source_name, report.billing_period or "")))


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
