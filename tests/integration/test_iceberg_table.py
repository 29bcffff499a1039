from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from multiprocessing.synchronize import Event
from pathlib import Path

import polars as pl
import pytest
from pyiceberg.schema import Schema

from tests.fakes.lakehouse import Lakehouse, activities_of, lakehouse
from tests.fakes.plans import ACME, JANUARY, plan_of
from worker.adapters import codec
from worker.adapters.activity_scan import scan
from worker.adapters.catalog import open_catalog
from worker.adapters.commit_turns import MAX_COMMITS
from worker.adapters.iceberg_table import IcebergActivityTable
from worker.adapters.table_version import Selection
from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import BadRequestError, FatalError, TransientError
from worker.domain.plan import RunPlan
from worker.domain.publication import Held, Publication, PublicationRecord

PUBLISHERS, PUBLISHES = 3, 8
ROWS = activities_of(("1", "0.1"), ("0.5", "0.2"))
USAGE = Decimal(3)
"""The usage of any version of a month: the rows above, in two files."""


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lakehouse]:
    with lakehouse(tmp_path) as opened:
        yield opened


def version(number: int, period: BillingPeriod = JANUARY) -> RunPlan:
    """A month as delivered for the n-th time: a file that never changes, and one that is new every time."""
    return replace(plan_of(f"{period}/same.csv", f"{period}/{number}.csv", manifest_etag=f"m{number}"), period=period)


def publish(lake: Lakehouse, plan: RunPlan, run_id: str = "run-1") -> None:
    lake.publish(plan, lake.ingest(plan, ROWS), run_id)


def publish_again_and_again(folder: Path, publisher: int, start: Event) -> None:
    """By turns a month of one's own and a month that all share."""
    start.wait(60)
    with lakehouse(folder) as lake:
        for turn in range(PUBLISHES):
            number = publisher * PUBLISHES + turn
            own = BillingPeriod(2024, 2 + publisher)
            publish(lake, version(number, JANUARY if turn % 2 else own), f"run-{number}")


def seen_of(lake: Lakehouse) -> set[tuple[int, Decimal, int]]:
    """Rows, usage and files of each month that a reader sees now."""
    months = (
        scan(lake.table)
        .group_by("billing_period")
        .agg(pl.len(), pl.col("quantity").sum(), files=pl.col("source_file").n_unique())
    )
    return {(rows, usage, files) for _, rows, usage, files in months.collect().iter_rows()}


def test_publishers_at_once_lose_nothing_and_readers_see_only_whole_months(tmp_path: Path) -> None:
    fresh = multiprocessing.get_context("spawn")
    start = fresh.Event()
    publishers = [
        fresh.Process(target=publish_again_and_again, args=(tmp_path, number, start)) for number in range(PUBLISHERS)
    ]
    for publisher in publishers:
        publisher.start()
    start.set()

    with lakehouse(tmp_path) as lake:
        seen = set[tuple[int, Decimal, int]]()
        while any(publisher.is_alive() for publisher in publishers):
            seen |= seen_of(lake)
        for publisher in publishers:
            publisher.join()

        assert [publisher.exitcode for publisher in publishers] == [0] * PUBLISHERS
        assert seen | seen_of(lake) == {(4, USAGE, 2)}
        records = lake.table.records()
        assert [str(record.slot.period) for record in records] == ["2024-01", "2024-02", "2024-03", "2024-04"]
        live = {uri for _, version in lake.table.versions() for uri in version.data_files()}
        assert live == {file.part for record in records for file in record.files}
        assert len(list(history_of(lake))) == PUBLISHERS * PUBLISHES


def history_of(lake: Lakehouse) -> Iterator[PublicationRecord]:
    """Every publication that led to what is published now: each names the one it was decided on."""
    for current in lake.table.records():
        record = current
        yield record
        while record.previous:
            record = codec.load(PublicationRecord, lake.warehouse.read(record.previous))
            yield record


def test_the_activities_of_one_source_or_month_are_found(lake: Lakehouse) -> None:
    february = BillingPeriod(2024, 2)
    publish(lake, version(1))
    publish(lake, version(1, february))
    publish(lake, replace(plan_of("x.csv", source=replace(ACME, name="globex")), period=BillingPeriod(2024, 3)))

    assert scan(lake.table).collect().height == 10
    assert scan(lake.table, selection=Selection(billing_period=str(february))).collect().height == 4
    assert scan(lake.table, "org-123", Selection("acme", billing_period="2024-01")).collect().height == 4
    assert scan(lake.table, "nobody").collect().height == 0


def test_a_replaced_month_has_only_the_rows_of_its_last_version(lake: Lakehouse) -> None:
    publish(lake, version(1), "run-1")
    publish(lake, version(2), "run-2")

    files = set(scan(lake.table).collect()["source_file"])

    assert files == {"2024-01/same.csv", "2024-01/2.csv"}


def test_a_snapshot_says_which_run_made_it(lake: Lakehouse) -> None:
    publish(lake, version(1), "run-7")

    snapshot = lake.tables.get("org-123").current_snapshot()

    assert snapshot
    assert snapshot.summary
    assert snapshot.summary["run_id"] == "run-7"
    assert snapshot.summary["billing_period"] == "2024-01"


def test_every_try_takes_its_own_turn_and_gives_up_at_last(lake: Lakehouse) -> None:
    turns: list[str] = []
    pauses: list[float] = []

    @contextmanager
    def turn(org_id: str) -> Iterator[None]:
        turns.append(org_id)
        yield

    table = IcebergActivityTable(lake.warehouse, lake.tables, turn, pauses.append)
    plan = version(1)
    outcomes = lake.ingest(plan, ROWS)

    def always_overtaken(_held: Held) -> Publication:
        record, _ = lake.publish(plan, outcomes, f"run-{len(turns)}")
        return Publication(record, (), frozenset())

    with pytest.raises(TransientError) as error:
        table.publish(plan.slot, always_overtaken)

    assert error.value.code == "contention"
    assert turns == ["org-123"] * MAX_COMMITS
    assert len(pauses) == MAX_COMMITS


def test_plans_are_told_the_columns_of_a_table_that_is_still_to_be_made_and_make_none(lake: Lakehouse) -> None:
    columns = lake.table.columns("org-new")

    assert lake.tables.orgs() == ()
    assert Schema.model_validate_json(columns) == lake.tables.get("org-new").schema()


def test_orgs_whose_ids_differ_only_in_case_are_refused(lake: Lakehouse) -> None:
    lake.tables.get("Acme-1_x")

    with pytest.raises(BadRequestError) as error:
        lake.tables.get("acme-1_X")
    with pytest.raises(BadRequestError) as planned:
        lake.table.columns("acme-1_X")

    assert error.value.code == planned.value.code == "ambiguous_org"
    assert lake.tables.orgs() == ("Acme-1_x",)


def test_a_catalog_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(FatalError) as error:
        open_catalog(f"sqlite:///{tmp_path}", {})

    assert error.value.code == "SQLITE_CANTOPEN"
    assert "write" in error.value.remedy
