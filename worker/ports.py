"""What the services need of the world. Adapters fulfil these; tests fulfil them with fakes that pass the same suites."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import datetime, timedelta
    from pathlib import Path

    import polars as pl

    from worker.domain.backfill import Backfill
    from worker.domain.billing_period import BillingPeriod
    from worker.domain.columns import Binding
    from worker.domain.discovery import StoredObject
    from worker.domain.estimates import Estimate
    from worker.domain.garbage import StoredFile
    from worker.domain.outcome import FileOutcome, RunState
    from worker.domain.plan import FileJob, RunPlan, Slot
    from worker.domain.publication import Held, Publication, PublicationRecord
    from worker.domain.report import RunReport
    from worker.domain.trigger import Trigger, TriggerState


class ReportStore(Protocol):
    """The bucket (or folder) that one source's reports are delivered to, and nothing outside its prefix.

    ``requests`` counts the calls made to AWS so far through this store; a folder makes none.
    ``roots`` are the prefixes that a manifest's key may carry before a listed key: ``("",)`` on S3; for a folder, the names
    of the folder and of its parents, nearest first, because a copy may start anywhere inside the bucket.
    """

    roots: tuple[str, ...]
    bucket: str

    @property
    def requests(self) -> int: ...

    def list(self) -> Iterable[StoredObject]:
        """Every object below the prefix, in key order. NotFoundError when the bucket or folder is not there."""

    def read_manifest(self, key: str, if_none_match: str | None = None) -> tuple[bytes, str] | None:
        """A small object's body and ETag, or None when its ETag still is ``if_none_match``."""

    def fetch(self, key: str, etag: str, size: int, into: Path, still_wanted: Callable[[], None]) -> int:
        """Copy the object to a local file, whole, and return the bytes read. ``still_wanted`` is asked at every chunk.

        ChangedError when its ETag is no longer ``etag``; TransientError when fewer or more than ``size`` bytes arrive.
        """


class CarbonSource(Protocol):
    """AWS's own estimates of emissions, for who asks. ``requests`` counts the calls made to AWS so far."""

    @property
    def requests(self) -> int: ...

    def estimates(self, start: BillingPeriod, end: BillingPeriod) -> list[Estimate]:
        """Every estimate of the months from ``start`` to before ``end``, each once, by account, region and service.

        A month that AWS has not estimated yet has none.
        """


class ReportReader(Protocol):
    """One spooled report file, its header bound."""

    binding: Binding

    @property
    def missing_fields(self) -> int: ...

    def batches(self, on_batch: Callable[[pl.DataFrame], None]) -> int:
        """Call ``on_batch`` with every batch of rows in file order, columns under their CUR 2.0 names, all text.

        Returns how many rows there were. ``missing_fields`` then says by how many fields they fell short of the header.
        """


class SourceProbe(Protocol):
    """One source, asked about itself. Every method raises what an ingest would meet.

    ``skew`` is by how much whoever answered last was ahead of this host; None when nobody said.
    """

    @property
    def skew(self) -> timedelta | None: ...

    def identity(self) -> str:
        """Whom AWS takes us for; empty where there is no AWS to ask."""


class BucketProbe(SourceProbe, Protocol):
    """A source that is delivered. ``region`` is the one that it is read in, ``bucket_region`` where it is, if S3 said."""

    @property
    def store(self) -> ReportStore: ...

    @property
    def region(self) -> str: ...

    @property
    def bucket_region(self) -> str: ...

    def first_bytes(self, key: str, count: int) -> bytes:
        """The beginning of an object that is not empty, in one request."""


class ApiProbe(SourceProbe, Protocol):
    """A source that is asked for."""

    def ask(self, month: BillingPeriod) -> None:
        """One small request about the month."""


class EstimateDelivery(Protocol):
    """Has AWS's estimates of emissions delivered to where a `ReportStore` finds them."""

    def deliver(self, start: BillingPeriod, end: BillingPeriod) -> None:
        """Ask for the months from ``start`` to before ``end``. One that AWS has not estimated yet is not delivered."""


class RateLimiter(Protocol):
    """The token bucket that every request to a customer's AWS account goes through."""

    def acquire(self, bucket: str) -> float:
        """Take one token of the named bucket, waiting for it; returns the seconds waited. TransientError: no limiter."""

    def push_back(self, bucket: str, seconds: float) -> None:
        """Give nobody a token of the bucket for so long: the service asked for a pause. TransientError: no limiter."""


@dataclass(frozen=True, slots=True)
class BucketLevel:
    """How a token bucket stands: ``tokens`` left, below zero as many promised; the wait for the next one; what fills it.

    ``bucket`` is the API family and, after a colon, the digest of the AWS identity.
    """

    bucket: str
    tokens: float
    wait_seconds: float
    capacity: int
    rate_per_second: float


class PartStore(Protocol):
    """The warehouse's Parquet parts: written once, under the digest of their input."""

    def find(self, job: FileJob) -> FileOutcome | None:
        """The outcome kept in the part's footer, if the part was written already and is whole."""

    def has(self, outcome: FileOutcome) -> bool:
        """Whether the files that the outcome names are still there."""

    def create(self, job: FileJob, tag_keys: tuple[str, ...]) -> AbstractContextManager[PartWriter]:
        """A writer for the job's part and rejections. Leaving it without `PartWriter.finish` leaves nothing behind."""


class PartWriter(Protocol):
    """Writes the activities and rejections of one file, batch by batch."""

    def write(self, activities: pl.DataFrame, rejections: pl.DataFrame) -> None: ...

    def finish(self, outcome: FileOutcome) -> FileOutcome:
        """Put rejections and then the part in their places; returns the outcome with their URIs and the data file.

        FatalError when what was written, read back, is not the outcome's activities.
        """


class PublishedMonths(Protocol):
    """What is published now, and what was."""

    def records(self, org_id: str | None = None) -> tuple[PublicationRecord, ...]:
        """The current publication record of every slot (of one org)."""

    def forgotten(self, org_id: str | None = None) -> tuple[tuple[PublicationRecord, datetime], ...]:
        """The last record of every slot that was forgotten and not published since, and when it was forgotten."""

    def record_at(self, uri: str) -> PublicationRecord:
        """A record by its URI, as another's ``previous`` has it."""


class ActivityTable(PublishedMonths, Protocol):
    """The published activities of every org."""

    def current(self, slot: Slot) -> PublicationRecord | None: ...

    def publish(self, slot: Slot, decide: Callable[[Held], Publication | None]) -> tuple[PublicationRecord, int]:
        """Commit what ``decide`` makes of the held state, in one table commit; decide again when another commit came first.

        None from ``decide`` means that nothing is left to do. Returns the slot's record and the snapshot id that has it.
        """

    def forget(self, slot: Slot, at: datetime) -> PublicationRecord:
        """Unpublish the slot, in one table commit, and return its record. NotFoundError when it is not published."""


class PublishedParts(Protocol):
    """The parts of published versions, to be read again."""

    def totals(self, parts: Iterable[str]) -> pl.DataFrame:
        """`worker.domain.restatement.totals` of the activities of these parts, by URI. NotFoundError when one is gone."""


class TableFiles(Protocol):
    """Every file behind an org's table, and which of them something still needs."""

    def orgs(self) -> tuple[str, ...]: ...

    def turn(self, org_id: str) -> AbstractContextManager[Callable[[], None]]:
        """Keep publishers of the org waiting while the block runs; yields a check that raises once they wait no more.

        TransientError when the turn cannot be had: without it nothing may be deleted.
        """

    def trim(self, org_id: str, before: datetime, *, dry_run: bool) -> tuple[int, int]:
        """Expire the snapshots that were replaced before then, leave out manifests without files; how many of each."""

    def stored(self, org_id: str) -> tuple[StoredFile, ...]:
        """The files below the table that it or we may have written; no others."""

    def needed(self, org_id: str, before: datetime) -> frozenset[str]:
        """The identities of all files that a snapshot or version needs that is current, or was replaced later than then."""

    def delete(self, files: Iterable[StoredFile]) -> None:
        """Delete the files, in this order. One that is gone already is no error."""


class RunReports(Protocol):
    """The last closed run of every slot, kept beside the table: it says why a month is missing when Redis is gone."""

    def keep(self, report: RunReport) -> None: ...

    def latest(self) -> tuple[RunReport, ...]: ...


class Triggers(Protocol):
    """Who asked for runs, and which runs came of it."""

    def open(self, trigger: Trigger) -> None:
        """Keep a trigger, which now wants planning, or later: of those for later, one waits for each month of a source."""

    def get(self, trigger_id: str) -> Trigger: ...

    def state(self, trigger_id: str) -> TriggerState: ...

    def attach(self, trigger_id: str, run_id: str) -> None: ...

    def conclude(self, trigger_id: str, report: RunReport) -> None:
        """What needed no run: a month up to date, a source that failed before any month was known."""

    def planned(self, trigger_id: str) -> None:
        """Nothing more will be attached or concluded."""


class Backfills(Protocol):
    """Months that wait for their turn, in line, and those that have it. Each call is one atomic step for each month."""

    def open(self, backfill: Backfill) -> None: ...

    def active(self) -> Mapping[str, tuple[str, ...]]:
        """The ids of the triggers under way, of every backfill that has not ended."""

    def end(self, backfill_id: str, trigger_id: str) -> None:
        """The month has ended: it gives its place to the next one."""

    def start(self, backfill_id: str) -> tuple[str, ...]:
        """Open the triggers whose turn has come, never more than may be active; their ids."""


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a run is. ``total`` files are to be ingested; ``rows`` and ``bytes_read`` are of the ``done`` ones.

    ``requests`` are all that the run made to AWS, its planning included; ``seconds`` since it was opened, by the server's clock.
    """

    run_id: str
    state: RunState
    total: int
    done: int
    failed: int
    rows: int
    bytes_read: int
    requests: int = 0
    seconds: float = 0.0


class RunLedger(Protocol):
    """The truth about runs in flight. Each call is one atomic step; doing one twice changes nothing."""

    def open(self, plan: RunPlan, trigger_id: str) -> tuple[str, bool]:
        """The id of the running run of this plan, opened now (True) or found running (False)."""

    def plan(self, run_id: str) -> RunPlan: ...

    def outcomes(self, run_id: str) -> Mapping[str, FileOutcome]:
        """By digest."""

    def progress(self, run_id: str) -> RunProgress: ...

    def spend(self, run_id: str, requests: int) -> None:
        """Count AWS requests that no file made."""

    def cancel(self, run_id: str) -> bool:
        """Ask the run to end: nothing is claimed any more, and who works on it stops. False if it had ended already."""

    def is_cancelled(self, run_id: str) -> bool:
        """Whether the run was asked to end before its time."""

    def close(self, run_id: str, report: RunReport, again: Trigger | None = None) -> bool:
        """End the run with this report, and open in the same step what goes on from it; False if it had ended already."""

    def report(self, run_id: str) -> RunReport | None:
        """The report it was closed with."""

    def recent(self, limit: int) -> tuple[str, ...]:
        """Ids of the runs of the last 30 days, newest first."""

    def digests_in_use(self, closed_within_seconds: float) -> frozenset[str]:
        """Every file of every run that is running, or was closed no longer ago than this."""


class FileLeases(Protocol):
    """Who works on which file. A lease is renewed while the worker lives."""

    def lose(self, run_id: str, digest: str) -> int:
        """A worker was seen to die over the file; the third time is its outcome. Returns how often by now."""

    def claim(self, run_id: str, digest: str, token: str) -> FileJob | None:
        """The job, now leased to ``token``; None when its outcome is known or its run has ended."""

    def renew(self, run_id: str, digest: str, token: str) -> bool:
        """False when the run has ended or been cancelled: stop working."""

    def holds(self, run_id: str, digest: str, token: str) -> bool:
        """Whether a renewal would be granted. It only reads, so it may be asked more often."""

    def give_back(self, run_id: str, digest: str, token: str) -> None:
        """The worker stops and did not lose the file."""

    def record(self, run_id: str, outcome: FileOutcome) -> bool:
        """The file's outcome; the first one stays. True when it was the run's last."""


@dataclass(frozen=True, slots=True)
class Repairs:
    """What a watchdog's look at one run found: files to send again, under a new generation, or a publish to send."""

    run_id: str
    generation: int
    resend: tuple[str, ...] = ()
    publish: bool = False
    overdue: bool = False


class Repairer(Protocol):
    """Finds what a lost message or a killed worker left."""

    def inspect(self, *, files_queue_is_empty: bool) -> tuple[Repairs, ...]:
        """One look at every active run. Expired leases are counted as losses here; three close the file as lost."""

    def stale_triggers(self) -> tuple[Trigger, ...]:
        """Triggers whose coordinator never finished planning, and those for later whose time has come: to be sent."""


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """A message of a queue: its id, what it says, and what the queue wants to hear to forget it."""

    message_id: str
    body: str
    receipt: str


class Notifications(Protocol):
    """The queue to which S3 says what was delivered: at least once, in no order."""

    def receive(self) -> tuple[QueuedMessage, ...]:
        """Some messages, waiting a while for the first. They come again unless they are deleted."""

    def delete(self, message: QueuedMessage) -> None: ...


class Clock(Protocol):
    """Time, so that tests own it."""

    def now(self) -> datetime: ...


class Backlog(Protocol):
    """What waits for workers."""

    def waiting(self, queue: str) -> tuple[int, datetime | None]:
        """How many messages wait, and since when the oldest does; None when none waits, or it does not say."""

    def active_runs(self) -> int: ...


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """A worker that answered, and the queues that it serves."""

    name: str
    queues: tuple[str, ...]


class Telemetry(Protocol):
    """What happened, as dotted past-tense events with all data in fields; and what it happened in, as spans."""

    def emit(self, event: str, **fields: object) -> None: ...

    def span(self, name: str, **attributes: object) -> AbstractContextManager[None]:
        """What the block does, and what is sent in it, belongs to this span; an error that leaves the block is the span's."""

    def note(self, **attributes: object) -> None:
        """Add to the innermost span what was not known when it began."""
