"""Acceptance criterion 14: a worker's memory and scratch disk do not grow with the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.acceptance.buckets import write_again_and_again
from tests.acceptance.processes import needs_proc, peak_memory
from tests.fakes.reference import Reference
from tests.fakes.reference_files import report_lines
from tests.fakes.world import FakeWorld, never
from tests.servers.deployment import Deployment, deployed, used
from tests.servers.seaweed import Seaweed
from worker import api
from worker.adapters.sample_columns import COLUMNS
from worker.adapters.sample_files import FileFormat
from worker.adapters.sample_month import Month, write_month
from worker.adapters.sample_rows import sample_lines
from worker.adapters.spool import Spool
from worker.domain.balance import EXACT
from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import ErrorClass
from worker.domain.outcome import RunState
from worker.services.coordinate import coordinate
from worker.services.follow import look
from worker.services.ingest_file import ingest_file
from worker.services.publish_run import publish_run

MEBI = 2**20
LIMIT = 512 * MEBI

WIDE = (*COLUMNS, *(f"product/attribute{number:03}" for number in range(172 - len(COLUMNS))))
LINES = sample_lines(BillingPeriod(2024, 1), 5_000, Random(14), "2024000001")


def in_doubles(row: Mapping[str, str]) -> dict[str, str]:
    """The row with amounts that Parquet can hold too."""
    amounts = {name: row[name] for name in ("line_item_usage_amount", "line_item_unblended_cost")}
    return {**row, **{name: str(float(cell)) if cell else "" for name, cell in amounts.items()}}


ROWS = [
    in_doubles(line.row) | dict.fromkeys(WIDE[-20:], "a value as long as they are")
    for line in LINES
    if line.why != "bad_number"
]
MONTH = Month("2024-01", rows=ROWS, columns=WIDE)
FATES = ("read", "activities", "excluded", "rejected")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory, seaweed: Seaweed) -> Iterator[Deployment]:
    """Workers whose memory no other test has touched."""
    with (
        deployed(tmp_path_factory.mktemp("fresh") / "deployment", seaweed, "control", "files") as deployment,
        used(deployment.environment),
    ):
        yield deployment


def gzipped(folder: Path, columns: tuple[str, ...], times: int) -> int:
    write_again_and_again(folder, replace(MONTH, columns=columns), times=times)
    return times


def grouped(folder: Path, rows_per_group: int, times: int) -> int:
    """A Parquet file of the month's rows so often, in row groups of that size."""
    file = folder / write_month(folder, replace(MONTH, file_format=FileFormat.PARQUET)).files[0]
    table = pa.concat_tables([pq.read_table(file)] * times)
    pq.write_table(table, file, row_group_size=rows_per_group)
    return times


@needs_proc
@pytest.mark.acceptance
@pytest.mark.parametrize(
    "write",
    [
        partial(gzipped, columns=WIDE, times=170),
        partial(gzipped, columns=COLUMNS, times=-(-3_000_000 // len(ROWS))),
        partial(grouped, rows_per_group=2_000, times=40),
        partial(grouped, rows_per_group=10**9, times=100),
    ],
    ids=["a gigabyte of CSV in gzip", "three million rows", "Parquet in many row groups", "Parquet in one row group"],
)
def test_ac14_a_big_file_is_converted_exactly_in_little_memory(
    fresh: Deployment, org: str, tmp_path: Path, write: Callable[[Path], int]
) -> None:
    small = tmp_path / "small" / write_month(tmp_path / "small", MONTH).files[0]
    naive = Reference("2024-01").read(report_lines(small.read_bytes())).figures()
    times = write(tmp_path / "big")
    children = fresh.workers["files"].children

    [report] = fresh.ingest(api.source((tmp_path / "big").as_uri(), org))

    assert report.state is RunState.PUBLISHED
    assert {fate: asdict(report.balance)[fate] for fate in FATES} == {fate: again(naive[fate], times) for fate in FATES}
    assert fresh.workers["files"].children == children
    assert max(map(peak_memory, children)) < LIMIT


def again(figures: object, times: int) -> dict[str, Decimal | int]:
    """The rows and sums of rows that are there so often."""
    assert isinstance(figures, dict)
    return {
        name: value * times if isinstance(value, int) else EXACT.multiply(value, times)
        for name, value in figures.items()
    }


def test_ac14_a_file_that_is_too_large_for_the_spool_is_refused_before_a_byte_is_fetched(tmp_path: Path) -> None:
    fake = FakeWorld(tmp_path)
    fake.deliver(replace(MONTH, prefix="cur"))
    world = replace(fake.world, spool=Spool(tmp_path, limit=1_000).folder)
    trigger = fake.trigger()
    [sent] = coordinate(world, trigger, trigger.sources, never)
    before = fake.bucket().requests

    ingest_file(world, sent.run_id, sent.digests[0], "worker-1", 1, never)

    assert fake.bucket().requests == before
    publish_run(world, sent.run_id, never)
    [[error]] = [report.errors for report in look(world.triggers, world.ledger, trigger.trigger_id).reports]
    assert (error.error_class, error.code) == (ErrorClass.FATAL, "spool_limit")
    assert "OFFGRIDFLOW_SPOOL_LIMIT" in error.remedy
