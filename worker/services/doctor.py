"""Every check of `doctor`, in the order in which an ingest would fail: each says one thing, and none keeps another from being made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from worker.domain.diagnosis import Finding, clock, failed, ok, warn
from worker.domain.errors import IngestError
from worker.domain.iam import missing
from worker.domain.source import Location, Source
from worker.ports.probes import ApiProbe, BucketProbe
from worker.ports.workers import WorkerSeen
from worker.services.examine_source import examine_asked, examine_delivered

NEEDED_QUEUES = ("control", "files")
NO_LIMITER = "not examined: without a broker there is no rate limiter, and no request is made"


@dataclass(frozen=True, slots=True)
class Checkup:
    """What is to be examined, each thing opened when its turn comes.

    ``workers`` are None where every command starts its own. ``delivered`` and ``asked`` make the probe of a source.
    """

    broker: Callable[[], Iterable[Finding]]
    catalog: Callable[[], None]
    warehouse: Callable[[], None]
    warehouse_url: str
    workers: Callable[[], tuple[WorkerSeen, ...]] | None
    delivered: Callable[[Source], BucketProbe]
    asked: Callable[[Source], ApiProbe]
    now: datetime


def diagnose(checkup: Checkup, sources: Iterable[Source]) -> Iterator[Finding]:
    """Each finding as soon as it is made; the clock last, because only those who answer can tell it."""
    skews, has_broker = list[timedelta](), True
    try:
        yield from checkup.broker()
        yield from _workers(checkup)
    except IngestError as error:
        has_broker = False
        yield failed("broker", error)
    yield from _written("catalog", checkup.catalog)
    yield from _written("warehouse", checkup.warehouse, checkup.warehouse_url)
    for source in sources:
        if has_broker:
            yield from _source(checkup, source, skews)
        else:
            yield warn("source", NO_LIMITER, "mend the broker first", source.name)
    yield clock(skews)


def _workers(checkup: Checkup) -> Iterator[Finding]:
    if checkup.workers is None:
        yield ok("workers", "embedded: every command that needs some starts them")
        return
    seen = checkup.workers()
    for queue in NEEDED_QUEUES:
        serving = [worker.name for worker in seen if queue in worker.queues]
        if serving:
            yield ok("workers", f"{queue}: {', '.join(serving)}")
        else:
            said = f"no worker serves the queue {queue}: what is asked for waits"
            yield warn("workers", said, f"start one: celery -A worker.app worker -Q {queue}")


def _written(check: str, write: Callable[[], None], url: str = "") -> Iterator[Finding]:
    try:
        write()
    except IngestError as error:
        yield failed(check, error, policy=missing(error.remedy, Location.parse(url)))
    else:
        yield ok(check, "can be written, and read back" if url else "can be opened, and written")


def _source(checkup: Checkup, source: Source, skews: list[timedelta]) -> Iterator[Finding]:
    """``skews`` gets what the source's answers say of the clock."""
    try:
        if source.is_asked_for:
            asked = checkup.asked(source)
            yield from examine_asked(source, asked, checkup.now)
            skews.extend([asked.skew] if asked.skew is not None else ())
        else:
            delivered = checkup.delivered(source)
            yield from examine_delivered(source, delivered, checkup.now)
            skews.extend([delivered.skew] if delivered.skew is not None else ())
    except IngestError as error:
        yield failed("credentials", error, source.name)
