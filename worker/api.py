"""OffGridFlow ingest from Python: the few functions that the command itself is made of.

    acme = source("s3://my-cur-bucket/cur/", org_id="org-123")
    reports = ingest(acme)
    usage = activities(org_id="org-123", period="2024-01")

Without OFFGRIDFLOW_BROKER_URL an embedded server and its workers run for as long as a function needs them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import polars as pl
from celery import Celery

from worker.bootstrap import scan_activities, use_cases
from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import IngestError
from worker.domain.plan import RunPlan
from worker.domain.report import RunReport
from worker.domain.source import Source
from worker.domain.trigger import Trigger
from worker.embedded import embedded_broker
from worker.services.follow import Standing, look
from worker.services.plan_runs import plan_source
from worker.services.use_cases import UseCases
from worker.settings import configured_sources, settings
from worker.settings import source_of as source

__all__ = ["activities", "broker", "configured_sources", "ingest", "plan", "request", "source", "trigger", "watch"]

LOOK_SECONDS = 0.2


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
    use_cases(url).open_trigger(wanted)
    sender = Celery(broker=url, set_as_current=False)
    message = {"trigger_id": wanted.trigger_id}
    sender.send_task("offgridflow.coordinate", (message,), queue="control", ignore_result=True)


def watch(url: str, trigger_id: str, on_look: Callable[[Standing], None]) -> tuple[RunReport, ...]:
    """Follow a trigger's runs to their end."""
    world = use_cases(url).world
    between_looks = threading.Event()
    while not (standing := look(world, trigger_id)).ended:
        on_look(standing)
        between_looks.wait(LOOK_SECONDS)
    on_look(standing)
    return standing.reports


def plan(wanted: Source, start: str | None = None, end: str | None = None) -> tuple[RunPlan | RunReport, ...]:
    """What an ingest would do, month by month; nothing is written. Raises what an ingest would report of the whole source."""
    question = request(wanted, start=start, end=end)
    with broker() as url:
        return tuple(plan_source(use_cases(url).world, wanted, question, _never))


def activities(org_id: str | None = None, source_name: str | None = None, period: str | None = None) -> pl.LazyFrame:
    """The published activities, narrowed to an org, a source or a month. Needs no broker."""
    return scan_activities(org_id, source_name, period)


def _never(_error: IngestError) -> bool:
    return False
