"""Steps that several tests of the services take."""

from __future__ import annotations

from dataclasses import replace

from tests.fakes.world import FakeWorld, month, never
from worker.adapters.sample_columns import line_item
from worker.domain.errors import Failure, IngestError
from worker.domain.outcome import FileOutcome
from worker.domain.report import RunReport
from worker.domain.retry import WorthAnother
from worker.services.dispatch import Dispatch
from worker.services.ingest_file import ingest_file

ROW = line_item("2024-01")
TWO_FILES = replace(month("2024-01", ROW, ROW), rows_per_file=1, overwrite=True)


def sent(fake: FakeWorld, *rows: dict[str, str]) -> Dispatch:
    """A run of one file a row."""
    fake.deliver(replace(month("2024-01", *(rows or (ROW,))), rows_per_file=1))
    [dispatch] = fake.send()
    fake.bucket().calls.clear()
    return dispatch


def ingest(fake: FakeWorld, dispatch: Dispatch, worth: WorthAnother = never, attempt: int = 1) -> bool:
    return ingest_file(fake.world, dispatch.run_id, dispatch.digests[0], "worker-1", attempt, worth)


def outcome_in(fake: FakeWorld, dispatch: Dispatch) -> FileOutcome:
    return fake.ledger.outcomes(dispatch.run_id)[dispatch.digests[0]]


def fail_data(fake: FakeWorld, dispatch: Dispatch, error: IngestError) -> None:
    fake.bucket().fail_key(fake.ledger.plan(dispatch.run_id).files[0].key, error)


def failure_in(fake: FakeWorld, dispatch: Dispatch) -> Failure:
    """Why the run's first file failed."""
    failure = outcome_in(fake, dispatch).failure
    assert failure is not None
    return failure


def ready(fake: FakeWorld) -> str:
    """A run whose every file was ingested."""
    fake.deliver(TWO_FILES)
    [dispatch] = fake.send()
    for digest in dispatch.digests:
        ingest_file(fake.world, dispatch.run_id, digest, "worker-1", 1, never)
    return dispatch.run_id


def report_of_run(fake: FakeWorld, run_id: str) -> RunReport:
    report = fake.ledger.report(run_id)
    assert report is not None
    return report


def overwrite_data(fake: FakeWorld, run_id: str) -> None:
    """AWS writes the first file anew, and the manifest has not followed yet."""
    fake.bucket().put(fake.ledger.plan(run_id).files[0].path, b"another")
