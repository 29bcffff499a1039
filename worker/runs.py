"""Runs: asked for, followed, stopped, tried again. `worker.api` has all of this too."""

from __future__ import annotations

# ruff: noqa: PLC0415 (as in `worker.api`: a function loads what it needs)
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING
from uuid import uuid4

from worker.bootstrap import ledger, telemetry, triggers
from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import BadRequestError, TransientError
from worker.domain.outcome import RunState
from worker.domain.report import RunReport
from worker.domain.source import Source
from worker.domain.trigger import Trigger
from worker.overview import run_report

if TYPE_CHECKING:
    from celery import Celery

    from worker.services.follow import Standing

LOOK_SECONDS = 0.2
CANCEL_SECONDS = 30.0
"""How long a cancelled run's end is waited for; it takes a moment, unless every control worker is busy."""


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


def trigger(url: str, wanted: Trigger) -> None:
    """Ask for runs, and return: the trigger is in the ledger before its message is sent, so that neither is lost."""
    with telemetry().span("trigger", trigger_id=wanted.trigger_id):
        triggers(url).open(wanted)
        _send(url, "offgridflow.coordinate", {"trigger_id": wanted.trigger_id})


def watch(url: str, trigger_id: str, on_look: Callable[[Standing], None]) -> tuple[RunReport, ...]:
    """Follow a trigger's runs to their end; their reports, by source and month."""
    from worker.services.follow import look

    runs, asked = ledger(url), triggers(url)
    between_looks = threading.Event()
    while not (standing := look(asked, runs, trigger_id)).ended:
        on_look(standing)
        between_looks.wait(LOOK_SECONDS)
    on_look(standing)
    return tuple(sorted(standing.reports, key=lambda report: (report.source_name, report.billing_period or "")))


def cancel(url: str, run_id: str) -> RunReport:
    """Stop a run, and wait for its end; what it had done is not published. One that had ended stays as it was.

    A run that nobody could end within 30 s is reported as running: it was asked to end, and will. NotFoundError for a run
    that the ledger does not know.
    """
    if ledger(url).cancel(run_id):
        _send(url, "offgridflow.publish_run", {"run_id": run_id})
    deadline, between_looks = time.monotonic() + CANCEL_SECONDS, threading.Event()
    while (report := run_report(url, run_id)).state is RunState.RUNNING and time.monotonic() < deadline:
        between_looks.wait(LOOK_SECONDS)
    return report


def retry(url: str, run_id: str) -> Trigger | None:
    """What asks for a run's month again, to be given to `trigger`: files that have their part are not read again.

    None for a run that did not fail. BadRequestError while it runs, NotFoundError when the ledger does not know it.
    """
    from worker.services.plan_again import same_month

    runs = ledger(url)
    plan, state = runs.plan(run_id), runs.progress(run_id).state
    if state is RunState.RUNNING:
        raise BadRequestError(f"run {run_id} is running", "running", f"wait, or `offgridflow cancel {run_id}` first")
    if state not in {RunState.FAILED, RunState.CANCELLED}:
        return None
    return replace(same_month(plan, f"api-{uuid4().hex}"), failing_since=None)


def _send(url: str, task: str, message: dict[str, str]) -> None:
    from kombu.exceptions import OperationalError

    from worker.adapters.redis_backlog import sent_now

    headers = {**telemetry().headers(), **sent_now()}
    try:
        _sender(url).send_task(task, (message,), queue="control", ignore_result=True, headers=headers)
    except OperationalError as error:
        raise TransientError(
            "the broker took no message", "unsent", "the watchdog sends it, if a trigger was kept"
        ) from error


@cache
def _sender(url: str) -> Celery:
    from celery import Celery

    return Celery(broker=url, set_as_current=False)
