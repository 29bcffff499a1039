from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.plans import ACME
from tests.fakes.report_store import FakeReportStore
from tests.fakes.world import FakeWorld, always, month, never
from tests.waiting import until
from worker.adapters.sample_columns import line_item
from worker.domain.errors import (
    AuthError,
    BadRequestError,
    ErrorClass,
    FatalError,
    IngestError,
    NotFoundError,
    TransientError,
    UnknownError,
)
from worker.domain.outcome import FileOutcome
from worker.domain.plan import CONVERTER_VERSION
from worker.services import lease
from worker.services.dispatch import Dispatch
from worker.services.ingest_file import HAND_OVER_SECONDS, ingest_file
from worker.services.plan_runs import WorthAnother

ROW = line_item("2024-01")


def sent(fake: FakeWorld, *rows: dict[str, str]) -> Dispatch:
    """A run of one file a row."""
    fake.deliver(replace(month("2024-01", *(rows or (ROW,))), rows_per_file=1))
    [dispatch] = fake.send()
    fake.bucket().calls.clear()
    return dispatch


def ingest(fake: FakeWorld, dispatch: Dispatch, worth: WorthAnother = never, attempt: int = 1) -> bool:
    return ingest_file(fake.world, dispatch.run_id, dispatch.digests[0], "worker-1", attempt, worth)


def outcome_of(fake: FakeWorld, dispatch: Dispatch) -> FileOutcome:
    return fake.ledger.outcomes(dispatch.run_id)[dispatch.digests[0]]


def fail_data(fake: FakeWorld, dispatch: Dispatch, error: IngestError) -> None:
    fake.bucket().fail_key(fake.ledger.plan(dispatch.run_id).files[0].key, error)


def test_a_file_becomes_a_part_and_an_outcome(fake: FakeWorld) -> None:
    dispatch = sent(fake)

    is_last = ingest(fake, dispatch, attempt=2)

    [file] = fake.ledger.plan(dispatch.run_id).files
    outcome = outcome_of(fake, dispatch)
    assert is_last
    assert (outcome.failure, outcome.part) == (None, f"warehouse/{file.digest}.parquet")
    assert (outcome.balance.read.rows, outcome.balance.activities.rows) == (1, 1)
    assert (outcome.attempts, outcome.requests, outcome.bytes_read) == (2, 1, file.size)
    assert fake.parts.activities[file.digest].height == 1


def test_only_the_last_file_is_the_last(fake: FakeWorld) -> None:
    dispatch = sent(fake, ROW, line_item("2024-01", line_item_usage_amount="1"))
    world = fake.world

    are_last = [ingest_file(world, dispatch.run_id, digest, "w", 1, never) for digest in dispatch.digests]

    assert are_last == [False, True]


def test_the_spool_is_empty_afterwards(fake: FakeWorld) -> None:
    ingest(fake, sent(fake))

    assert list(fake.world.spool_dir.iterdir()) == []


def test_a_file_whose_outcome_is_known_is_left_alone(fake: FakeWorld) -> None:
    dispatch = sent(fake)
    ingest(fake, dispatch)

    again = ingest(fake, dispatch)

    assert not again
    assert fake.bucket().calls == {"fetch": 1}


def test_a_part_that_is_there_is_taken_without_fetching(fake: FakeWorld) -> None:
    first = sent(fake)
    ingest(fake, first)
    fake.ledger.runs.clear()
    second = sent(fake)

    ingest(fake, second)

    outcome = outcome_of(fake, second)
    assert fake.bucket().calls["fetch"] == 0
    assert (outcome.run_id, outcome.requests, outcome.balance.activities.rows) == (first.run_id, 0, 1)


@pytest.mark.parametrize(
    ("error", "error_class"),
    [
        (TransientError("slow down", "SlowDown"), ErrorClass.TRANSIENT),
        (AuthError("no", "AccessDenied", "grant s3:GetObject"), ErrorClass.AUTH),
        (BadRequestError("bad", "InvalidRequest"), ErrorClass.BAD_REQUEST),
        (NotFoundError("gone", "NoSuchKey"), ErrorClass.NOT_FOUND),
        (FatalError("archived", "InvalidObjectState"), ErrorClass.FATAL),
        (UnknownError("what?"), ErrorClass.UNKNOWN),
    ],
)
def test_error_classification_in_ingestion(fake: FakeWorld, error: IngestError, error_class: ErrorClass) -> None:
    dispatch = sent(fake)
    fail_data(fake, dispatch, error)

    ingest(fake, dispatch)

    failure = outcome_of(fake, dispatch).failure
    assert failure is not None
    assert (failure.error_class, failure.message, failure.remedy) == (error_class, error.message, error.remedy)
    assert failure.file == fake.ledger.plan(dispatch.run_id).files[0].key


def test_a_file_that_is_no_report_is_a_failed_outcome(fake: FakeWorld) -> None:
    delivery = fake.deliver(month())
    fake.bucket().put(delivery.files[0], b"<html>captive portal</html>")
    [dispatch] = fake.send()

    ingest(fake, dispatch)

    failure = outcome_of(fake, dispatch).failure
    assert failure is not None
    assert (failure.error_class, failure.code) == (ErrorClass.BAD_REQUEST, "not_a_report")
    assert fake.parts.outcomes == {}


@pytest.mark.parametrize("error", [TransientError("slow down"), UnknownError("what?")])
def test_an_error_worth_another_attempt_is_raised_with_the_lease_given_back(
    fake: FakeWorld, error: IngestError
) -> None:
    dispatch = sent(fake)
    fail_data(fake, dispatch, error)
    spent = fake.ledger.progress(dispatch.run_id).requests

    with pytest.raises(type(error)):
        ingest(fake, dispatch, always)

    assert fake.ledger.runs[dispatch.run_id].leases == {}
    assert fake.ledger.outcomes(dispatch.run_id) == {}
    assert fake.ledger.progress(dispatch.run_id).requests == spent + 1


def test_a_file_that_was_replaced_is_changed_and_not_tried_again(fake: FakeWorld) -> None:
    dispatch = sent(fake)
    key = fake.ledger.plan(dispatch.run_id).files[0].key
    fake.bucket().put(key, b"another")

    ingest(fake, dispatch, always)

    failure = outcome_of(fake, dispatch).failure
    assert failure is not None
    assert (failure.code, failure.file) == ("changed", key)
    assert fake.bucket().calls == {"fetch": 1}


def open_with_converter(fake: FakeWorld, version: int) -> Dispatch:
    dispatch = sent(fake)
    plan = replace(fake.ledger.plan(dispatch.run_id), converter_version=version)
    run_id, _ = fake.ledger.open(plan, "t1")
    return replace(dispatch, run_id=run_id)


def test_a_worker_older_than_the_plan_gives_the_message_back(fake: FakeWorld) -> None:
    dispatch = open_with_converter(fake, CONVERTER_VERSION + 1)

    with pytest.raises(TransientError) as caught:
        ingest(fake, dispatch, always)

    assert (caught.value.code, caught.value.retry_after_seconds) == ("older_worker", HAND_OVER_SECONDS)
    assert fake.ledger.runs[dispatch.run_id].leases == {}
    assert fake.bucket().calls["fetch"] == 0


def test_a_worker_newer_than_the_plan_has_it_planned_again(fake: FakeWorld) -> None:
    dispatch = open_with_converter(fake, CONVERTER_VERSION - 1)

    ingest(fake, dispatch, always)

    failure = outcome_of(fake, dispatch).failure
    assert failure is not None
    assert failure.code == "changed"


class Cancelling(FakeReportStore):
    """Somebody cancels the run while its file is fetched."""

    def __init__(self, fake: FakeWorld) -> None:
        super().__init__("cur/", "cur-bucket")
        self._ledger = fake.ledger

    def fetch(self, key: str, etag: str, size: int, into: Path) -> int:
        for run_id in self._ledger.runs:
            self._ledger.cancel(run_id)
        until(lambda: not any(thread.name.startswith("lease-") for thread in threading.enumerate()))
        return super().fetch(key, etag, size, into)


def test_a_cancelled_run_gets_no_outcome_and_pays_for_what_was_asked(
    fake: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "RENEW_SECONDS", 0.001)
    fake.buckets[ACME.url] = Cancelling(fake)
    dispatch = sent(fake)
    spent = fake.ledger.progress(dispatch.run_id).requests

    is_last = ingest(fake, dispatch)

    assert not is_last
    assert fake.ledger.outcomes(dispatch.run_id) == {}
    assert fake.parts.outcomes == {}
    assert fake.ledger.progress(dispatch.run_id).requests == spent + 1
    assert list(fake.world.spool_dir.iterdir()) == []


def test_an_ended_file_is_told_with_its_rows(fake: FakeWorld) -> None:
    dispatch = sent(fake)

    ingest(fake, dispatch)

    [told] = fake.telemetry.of("file.ended")
    assert (told["run_id"], told["rows"]) == (dispatch.run_id, 1)
