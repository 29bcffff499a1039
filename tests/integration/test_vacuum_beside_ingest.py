"""Vacuum beside a running ingest, on the real ledger, lease and table, each in a process of its own.

To vacuum every file is old, and a run's files are spared only while it runs: all that protects a month here is the ledger, the
turn at the table, and publish's last look at its parts. Only scratch files, which live for milliseconds, count as young.
"""

from __future__ import annotations

import multiprocessing
import os
from datetime import timedelta
from decimal import Decimal
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path

import polars as pl
import pytest

from tests.fakes.world import never
from worker.adapters.activity_scan import scan
from worker.adapters.sample_columns import line_item
from worker.adapters.sample_month import Month, write_month
from worker.adapters.table_files import WarehouseTableFiles
from worker.adapters.table_lease import TableLease
from worker.adapters.table_version import Selection
from worker.adapters.warehouse import path_of
from worker.bootstrap import use_cases
from worker.domain.billing_period import BillingPeriod
from worker.domain.garbage import FileKind, StoredFile
from worker.domain.outcome import RunState
from worker.domain.publication import PublicationRecord
from worker.domain.report import RunReport
from worker.domain.source import Source
from worker.domain.trigger import Trigger
from worker.reading import reading_table, tables, warehouse
from worker.services.coordinate import coordinate
from worker.services.follow import look
from worker.services.history import history
from worker.services.ingest_file import ingest_file
from worker.services.publish_run import publish_run
from worker.services.vacuum import Limits, vacuum
from worker.services.world import World

ORG = "org-123"
TIMES = 20
MONTHS = ("2025-01", "2025-02")
COSTS = {"A": ("1.25", "2.5"), "B": ("100.5", "2.5"), "C": ("7", "2.5")}
"""Three versions that AWS delivers by turns, a file for each cost. The first differs, the second is the same in all."""

Versions = list[tuple[str, RunState, Decimal]]


class Young(WarehouseTableFiles):
    """Scratch files are as young as they are."""

    def stored(self, org_id: str) -> tuple[StoredFile, ...]:
        return tuple(file for file in super().stored(org_id) if file.kind is not FileKind.SCRATCH)


def version_of(number: int) -> str:
    return "ABC"[number % 3]


def deliver(folder: Path, period: str, number: int) -> str:
    """The n-th delivery of a month: other files by turns, under the same names and times each time."""
    version = version_of(number)
    rows = [line_item(period, line_item_unblended_cost=cost) for cost in COSTS[version]]
    month = Month(period, rows=rows, rows_per_file=1, overwrite=True, version_id=f"delivery-{number}")
    first, second = write_month(folder, month).files
    for key, seconds in ((first, 1000 + number % 3), (second, 2000)):
        os.utime(folder / key, (seconds, seconds))
    return version


def ingest(world: World, source: Source, trigger_id: str) -> tuple[RunReport, ...]:
    """All that workers do for a source, one step after the other, superseded runs planned again."""
    asked = Trigger(trigger_id, sources=(source,))
    world.triggers.open(asked)
    plan_and_work(world, asked)
    return look(world.triggers, world.ledger, trigger_id).reports


def plan_and_work(world: World, asked: Trigger) -> None:
    for sent in tuple(coordinate(world, asked, asked.sources, never)):
        for digest in sent.digests:
            ingest_file(world, sent.run_id, digest, f"{os.getpid()}", 1, never)
        if again := publish_run(world, sent.run_id, never):
            plan_and_work(world, world.triggers.get(again))


def publish_by_turns(broker: str, folder: Path, period: str, found: Queue[Versions]) -> None:
    """Deliver and ingest a month again and again; each time, look at what is published of it."""
    world = use_cases(broker).world
    source = Source(f"source-{period}", ORG, (folder / period).as_uri())
    seen: Versions = []
    for number in range(TIMES):
        version = deliver(folder / period, period, number)
        reports = ingest(world, source, f"{period}-{number}")
        [record] = [each for each in world.table.records(ORG) if str(each.slot.period) == period]
        seen.append((version, reports[-1].state, cost_of(record)))
    found.put(seen)


def cost_of(record: PublicationRecord) -> Decimal:
    """What the parts of a published month cost, from the parts themselves: a lost one would not be read."""
    parts = [path_of(str(file.part)) for file in record.files]
    return Decimal(pl.read_parquet(parts, columns=["cost"])["cost"].sum())


def assert_everything_is_there() -> None:
    """Every month has all its versions, and its last one is what a reader sees."""
    table = reading_table()
    for period in MONTHS:
        [month] = history(table, BillingPeriod.parse(period))
        rows = scan(table, ORG, Selection(billing_period=period)).collect()
        assert len(month.versions) == TIMES
        assert rows.height == month.versions[0].balance.activities.rows == len(COSTS[version_of(TIMES - 1)])
        assert rows["cost"].sum() == month.versions[0].balance.activities.cost


def vacuum_all_the_while(broker: str, over: Event, counts: Queue[tuple[int, int]]) -> None:
    world = use_cases(broker).world
    files = Young(warehouse(), tables(), TableLease(broker).required)
    times = parts = 0
    while not over.is_set() or times < TIMES:
        limits = Limits(world.clock.now() + timedelta(days=1), spared_seconds=-1)
        done = vacuum(world.ledger, files, limits)
        times += 1
        parts += sum(org.deleted[FileKind.PART].files for org in done)
    counts.put((times, parts))


@pytest.fixture
def broker(home: Path, clean_valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A broker that this process and those it starts use."""
    monkeypatch.setenv("OFFGRIDFLOW_BROKER_URL", clean_valkey_url)
    return clean_valkey_url


@pytest.mark.long
def test_twenty_deliveries_beside_vacuum_lose_nothing(broker: str, tmp_path: Path) -> None:
    fresh = multiprocessing.get_context("spawn")
    over = fresh.Event()
    found: Queue[Versions] = fresh.Queue()
    counts: Queue[tuple[int, int]] = fresh.Queue()
    cleaner = fresh.Process(target=vacuum_all_the_while, args=(broker, over, counts), daemon=True)
    publishers = [
        fresh.Process(target=publish_by_turns, args=(broker, tmp_path, each, found), daemon=True) for each in MONTHS
    ]
    for process in (cleaner, *publishers):
        process.start()

    for publisher in publishers:
        publisher.join()
    over.set()
    cleaner.join()

    assert [process.exitcode for process in (cleaner, *publishers)] == [0] * 3
    seen = [each for _ in publishers for each in found.get(timeout=1)]
    times, parts = counts.get(timeout=1)
    cost = {version: sum(map(Decimal, costs), Decimal(0)) for version, costs in COSTS.items()}
    right = [(each, RunState.PUBLISHED, cost[each]) for each in map(version_of, range(TIMES))]
    assert seen == right * len(MONTHS)
    assert times >= TIMES
    assert parts >= TIMES / 2
    assert_everything_is_there()
