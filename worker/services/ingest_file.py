"""One report file to its outcome: claim it, fetch it, convert it, record what became of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

from worker.domain.errors import ChangedError, Failure, IngestError, NotFoundError, TransientError
from worker.domain.outcome import FileOutcome
from worker.domain.plan import CONVERTER_VERSION, FileJob
from worker.domain.retry import WorthAnother
from worker.ports.reports import ReportStore
from worker.services.announcing import about, file_ended
from worker.services.convert_file import convert_file
from worker.services.interruptible import interruptible
from worker.services.lease import CancelledError, kept_lease
from worker.services.world import World

CHANGED = "changed"
"""The code of a failure that means: the file is no longer the one that was planned, plan again."""

HAND_OVER_SECONDS = 30.0


def ingest_file(world: World, run_id: str, digest: str, token: str, attempt: int, worth_another: WorthAnother) -> bool:
    """Ingest one file of a run; True if its outcome was the last that the run waited for.

    An error that is worth another attempt is raised, with the lease given back; every other becomes a failed outcome. A file
    whose outcome is known, or whose run has ended, is left alone.
    """
    job = world.leases.claim(run_id, digest, token)
    if job is None:
        return False
    started = world.clock.now()
    try:
        with _span(world, job, attempt), kept_lease(world.leases, run_id, digest, token) as still_wanted:
            outcome = _attempted(world, job, still_wanted)
    except CancelledError:
        return False
    except IngestError as error:
        if worth_another(error):
            raise
        outcome = _failed(job, error)
    seconds = (world.clock.now() - started).total_seconds()
    outcome = replace(outcome, attempts=attempt, seconds=seconds)
    file_ended(world.telemetry, job.plan, run_id, outcome)
    return world.leases.record(run_id, outcome)


def _attempted(world: World, job: FileJob, still_wanted: Callable[[], None]) -> FileOutcome:
    """The outcome of one attempt; what a failed one asked of AWS is counted as well."""
    store = world.stores(job.plan.source)
    before = store.requests
    try:
        _require_same_converter(job)
        outcome = world.parts.find(job) or _converted(world, job, store, still_wanted)
    except (IngestError, CancelledError):
        world.ledger.spend(job.run_id, store.requests - before)
        raise
    world.telemetry.note(rows=outcome.balance.read.rows, bytes_read=outcome.bytes_read)
    return replace(outcome, requests=store.requests - before)


def _span(world: World, job: FileJob, attempt: int) -> AbstractContextManager[None]:
    file = {"key": job.file.key, "size": job.file.size, "attempt": attempt}
    return world.telemetry.span("aws.report_file", **about(job.plan, job.run_id), **file)


def _converted(world: World, job: FileJob, store: ReportStore, still_wanted: Callable[[], None]) -> FileOutcome:
    """Fetch into the spool and convert from there: no row is believed before the file has arrived whole."""

    def work(go_on: Callable[[], None]) -> FileOutcome:
        arrived = store.fetch(job.file.path, job.file.etag, job.file.size, spooled, go_on)
        return replace(convert_file(world, job, spooled, go_on), bytes_read=arrived)

    with world.spool(job.file.size) as folder:
        spooled = folder / "report"
        return interruptible(work, still_wanted)


def _require_same_converter(job: FileJob) -> None:
    """While workers are upgraded, two rule sets are about: a part must be made by the one that its name says."""
    planned = job.plan.converter_version
    if planned > CONVERTER_VERSION:
        message = f"the run wants converter {planned}, this worker has {CONVERTER_VERSION}"
        raise TransientError(message, "older_worker", "finish the upgrade of the workers", HAND_OVER_SECONDS)
    if planned < CONVERTER_VERSION:
        raise ChangedError(f"the run was planned for converter {planned}, this worker has {CONVERTER_VERSION}")


def _failed(job: FileJob, error: IngestError) -> FileOutcome:
    failure = Failure.of(error, job.file.key)
    if isinstance(error, ChangedError | NotFoundError):  # it was there when the run was planned
        failure = replace(failure, code=CHANGED)
    return FileOutcome(job.file.digest, job.file.key, job.run_id, job.plan.version_id, failure=failure)
