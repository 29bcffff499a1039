"""A source with one month in every state that a month can be in, and its emissions beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.fakes.plans import ACME, balance_of, plan_of
from tests.fakes.publications import published
from worker.domain.balance import Tally
from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import ErrorClass, Failure
from worker.domain.outcome import RunState
from worker.domain.publication import PublicationRecord
from worker.domain.report import RunReport
from worker.domain.schedule import Schedule, ScheduleStanding
from worker.domain.source import CARBON, CUR, Source
from worker.ports.limits import BucketLevel
from worker.ports.workers import WorkerSeen
from worker.services.overview import Machinery, Overview, QueueLevel, overview
from worker.services.status import standings

NOW = datetime(2024, 12, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DENIED = Failure(ErrorClass.AUTH, "s3://cur-bucket/cur/: no (AccessDenied)", "AccessDenied", "grant s3:ListBucket")
STATES = {
    "complete": "2024-01",
    "provisional": "2024-11",
    "restated": "2024-02",
    "late": "2024-10",
    "unwatched": "2024-09",
    "not_delivered": "2024-08",
    "running": "2024-07",
    "failed": "2024-06",
    "failed over a version": "2024-05",
    "with warnings": "2024-04",
    "older converter": "2024-03",
    "newer delivery": "2023-12",
}
"""The month of usage that is in each state."""

NEVER = Source("newcomer", "org-123", "s3://cur-bucket/other/")
CONFIGURED = (ACME, replace(ACME, kind=CARBON), NEVER)


def records() -> tuple[PublicationRecord, ...]:
    """What is published of them."""
    lossy = replace(
        balance_of(7), read=Tally(10), rejected=Tally(3), rejected_by_reason={"negative_usage": 2, "bad_number": 1}
    )
    finals = ("complete", "failed over a version", "newer delivery")
    return (
        *(_record(state) for state in finals),
        _record("provisional", hours=5, final=False),
        replace(_record("restated"), was_final=True, version_id="v2"),
        _record("late", hours=72, final=False),
        _record("unwatched", hours=72, final=False),
        replace(_record("with warnings"), balance=lossy),
        replace(_record("older converter"), converter_version=0),
        replace(_record("complete"), slot=replace(_record("complete").slot, source=CARBON)),
    )


def reports() -> tuple[RunReport, ...]:
    """The last run of some of them."""
    awaited = _report("provisional", RunState.NOT_DELIVERED)
    return (
        _report("late", RunState.UP_TO_DATE),
        _report("not_delivered", RunState.NOT_DELIVERED),
        _report("running", RunState.RUNNING),
        _report("failed", RunState.FAILED, DENIED),
        _report("failed over a version", RunState.FAILED, DENIED),
        replace(_report("newer delivery", RunState.CANCELLED), version_id="v9"),
        replace(awaited, connector="aws-carbon"),
    )


def machinery() -> Machinery:
    """One worker that serves one of the queues, a full line, a beat, and a bucket that somebody waits for."""
    turn = ScheduleStanding(Schedule(ACME.name, CUR), NOW - HOUR, NOW + HOUR, paused=False)
    return Machinery(
        workers=(WorkerSeen("control@host", ("control",)),),
        queues=(QueueLevel("control", 0, None), QueueLevel("files", 12, NOW - 2 * HOUR)),
        limits=(BucketLevel("s3:0123456789abcdef", -2.0, 0.6, 100, 5.0),),
        schedules=(turn,),
        has_beat=True,
    )


def every_cell() -> Overview:
    """How all of it stands."""
    return overview(NOW, standings(records(), reports(), NOW, CONFIGURED), machinery())


def _record(state: str, *, hours: float = 240, final: bool = True) -> PublicationRecord:
    balance = replace(balance_of(10), uninvoiced=0 if final else 10)
    record = replace(published(plan_of("a.csv")), balance=balance, published_at=NOW - hours * HOUR)
    return replace(
        record, slot=replace(record.slot, period=BillingPeriod.parse(STATES[state])), run_id=f"run-{state[:4]}"
    )


def _report(state: str, ended: RunState, *errors: Failure) -> RunReport:
    version = "v1" if ended is RunState.UP_TO_DATE else ""
    run_id = f"run-{state[:4]}-2"
    return RunReport(
        run_id, ACME.name, ACME.org_id, "aws", STATES[state], ended, NOW - HOUR, version_id=version, errors=errors
    )
