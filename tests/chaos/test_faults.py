"""Each fault of S3 alone, on each thing that is read: it ends as it must, and never as wrong rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from tests.acceptance.buckets import RemoteFolder, usage
from tests.acceptance.turnstile import Turnstile, turnstile
from tests.chaos.faults import FAULTS, FAULTS_OF_FILES, is_report_file, once
from tests.fakes.rate_limiter import FakeRateLimiter
from tests.fakes.world import FakeWorld
from tests.servers.seaweed import Seaweed
from worker import api
from worker.adapters.aws_session import connect_s3
from worker.adapters.s3_reports import S3Reports
from worker.adapters.sample_files import FileFormat
from worker.adapters.sample_month import Month
from worker.domain.errors import ErrorClass
from worker.domain.outcome import RunState
from worker.domain.report import RunReport
from worker.domain.source import Source

READ: dict[str, Callable[[str], bool]] = {
    "listing": lambda path: "list-type=2" in path,
    "manifest": lambda path: "Manifest.json" in path,
    "file": is_report_file,
}
HEALS = {
    "listing": {"slow drip", "wrong length"},
    "manifest": {"slow drip"},
    "file": {"slow drip", "short body", "reset in the body", "stall"},
}
"""What costs no attempt of the task: a body is resumed where it broke, a listing ends where its XML does."""

COSTS = [Decimal("1.25"), Decimal("2.5"), Decimal("4.125")]


@dataclass(frozen=True, slots=True)
class Bench:
    """A month of one file behind a turnstile, and a world that ingests it through the real store."""

    world: FakeWorld
    source: Source
    s3: Turnstile

    def ingest(self, trigger_id: str) -> RunReport:
        """How the month ends."""
        *_, last = self.world.ingest(self.source, trigger_id=trigger_id)
        return last


@pytest.fixture
def bench(seaweed: Seaweed, remote: RemoteFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    seaweed.owner.sign_in(monkeypatch)
    remote.deliver(Month("2025-01", rows=usage(*map(str, COSTS)), file_format=FileFormat.CSV))
    world = FakeWorld(tmp_path)
    with turnstile(seaweed.port) as s3:

        @cache
        def store(source: Source) -> S3Reports:
            return S3Reports(
                source, connect_s3(source, FakeRateLimiter(), endpoint_url=s3.url, read_timeout_seconds=0.3)
            )

        world.world = replace(world.world, stores=store)
        yield Bench(world, api.source(remote.url, "org-1"), s3)


def costs_kept(world: FakeWorld) -> list[list[Decimal]]:
    """Of every part that was made, whoever may publish it."""
    return [part["cost"].sort().to_list() for part in world.parts.activities.values()]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("what", READ)
def test_a_fault_heals_or_is_one_transient_error(bench: Bench, what: str, fault: str) -> None:
    bench.s3.mishap = once(FAULTS[fault], READ[what])

    struck = bench.ingest("t1")
    later = bench.ingest("t2")

    if fault in HEALS[what]:
        assert (struck.state, struck.errors) == (RunState.PUBLISHED, ())
    else:
        assert (struck.state, [each.error_class for each in struck.errors]) == (RunState.FAILED, [ErrorClass.TRANSIENT])
    assert later.balance.activities.cost == sum(COSTS)
    assert costs_kept(bench.world) == [COSTS]


@pytest.mark.parametrize("fault", ["412", "another object"])
def test_another_object_than_was_planned_is_planned_again(bench: Bench, fault: str) -> None:
    bench.s3.mishap = once(FAULTS_OF_FILES[fault], READ["file"])

    superseded, published = bench.world.ingest(bench.source)

    assert (superseded.state, published.state) == (RunState.SUPERSEDED, RunState.PUBLISHED)
    assert published.balance.activities.cost == sum(COSTS)
    assert costs_kept(bench.world) == [COSTS]


def test_a_file_cut_to_the_length_that_is_announced_is_not_taken_for_the_file(bench: Bench) -> None:
    bench.s3.mishap = once(FAULTS_OF_FILES["cut to length"], READ["file"])

    struck = bench.ingest("t1")

    assert [each.code for each in struck.errors] == ["wrong_length"]
    assert costs_kept(bench.world) == []


def test_another_manifest_than_was_listed_is_not_published(bench: Bench) -> None:
    bench.s3.mishap = once(FAULTS_OF_FILES["another object"], READ["manifest"])

    struck = bench.ingest("t1")
    later = bench.ingest("t2")

    assert struck.state is RunState.FAILED
    assert later.balance.activities.cost == sum(COSTS)
    assert costs_kept(bench.world) == [COSTS]
