from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.plans import ACME
from tests.fakes.report_store import FakeReportStore
from tests.fakes.world import FakeWorld, never
from tests.unit.services.steps import (
    ROW,
    ingest,
    outcome_in,
    sent,
)
from tests.waiting import until
from worker.adapters.sample_columns import line_item
from worker.services import lease
from worker.services.ingest_file import ingest_file


def test_a_file_becomes_a_part_and_an_outcome(fake: FakeWorld) -> None:
    dispatch = sent(fake)

    is_last = ingest(fake, dispatch, attempt=2)

    [file] = fake.ledger.plan(dispatch.run_id).files
    outcome = outcome_in(fake, dispatch)
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

    assert list(fake.spool.iterdir()) == []


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

    outcome = outcome_in(fake, second)
    assert fake.bucket().calls["fetch"] == 0
    assert (outcome.run_id, outcome.requests, outcome.balance.activities.rows) == (first.run_id, 0, 1)


class Cancelling(FakeReportStore):
    """Somebody cancels the run while its file is fetched."""

    def __init__(self, fake: FakeWorld) -> None:
        super().__init__("cur/", "cur-bucket")
        self._ledger = fake.ledger

    def fetch(self, key: str, etag: str, size: int, into: Path, still_wanted: Callable[[], None]) -> int:
        for run_id in self._ledger.runs:
            self._ledger.cancel(run_id)
        until(lambda: not any(thread.name.startswith("lease-") for thread in threading.enumerate()))
        return super().fetch(key, etag, size, into, still_wanted)


def test_a_cancelled_run_gets_no_outcome_and_pays_for_what_was_asked(
    fake: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "LOOK_SECONDS", 0.001)
    fake.buckets[ACME.url] = Cancelling(fake)
    dispatch = sent(fake)
    spent = fake.ledger.progress(dispatch.run_id).requests

    is_last = ingest(fake, dispatch)

    assert not is_last
    assert fake.ledger.outcomes(dispatch.run_id) == {}
    assert fake.parts.outcomes == {}
    assert fake.ledger.progress(dispatch.run_id).requests == spent + 1
    assert list(fake.spool.iterdir()) == []


def test_an_ended_file_is_told_with_its_rows(fake: FakeWorld) -> None:
    dispatch = sent(fake)

    ingest(fake, dispatch)

    [told] = fake.telemetry.of("file.ended")
    assert (told["run_id"], told["rows"]) == (dispatch.run_id, 1)
