from __future__ import annotations

import json
import multiprocessing
import os
import signal
import stat
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from multiprocessing.synchronize import Event
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from tests.fakes.lakehouse import Lakehouse, activities_of, converted, job_of, lakehouse, rejections_of
from worker.adapters.layout import part_key
from worker.adapters.row_groups import ROW_GROUP
from worker.adapters.warehouse import path_of
from worker.domain.balance import Tally
from worker.domain.errors import FatalError
from worker.domain.outcome import FileOutcome

LARGEST = "99999999999999999999.999999999999999999"


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lakehouse]:
    with lakehouse(tmp_path) as opened:
        yield opened


def read(outcome: FileOutcome) -> pl.DataFrame:
    assert outcome.part
    return pl.read_parquet(path_of(outcome.part))


def test_the_outcome_is_found_again_in_the_part(lake: Lakehouse) -> None:
    written = lake.write(job_of(), activities_of(("1.5", "0.25")), rejections_of("bad_number"))

    assert lake.parts.find(job_of()) == written
    assert written.part
    assert written.rejections
    assert written.data_file


def test_a_file_that_was_never_converted_is_not_found(lake: Lakehouse) -> None:
    assert lake.parts.find(job_of()) is None


def test_a_part_whose_rejections_are_gone_is_not_found_and_is_made_whole_again(lake: Lakehouse) -> None:
    written = lake.write(job_of(), activities_of(("1.5", "0.25")), rejections_of("bad_number"))
    Path(path_of(str(written.rejections))).unlink()

    assert not lake.parts.has(written)
    assert lake.parts.find(job_of()) is None

    assert lake.write(job_of(), activities_of(("1.5", "0.25")), rejections_of("bad_number")) == written
    assert lake.parts.has(written)
    assert lake.parts.find(job_of()) == written


def test_a_part_has_the_field_ids_that_the_plan_tells(lake: Lakehouse) -> None:
    job = job_of()
    columns = json.loads(job.plan.table_columns)
    for column in columns["fields"]:
        column["id"] += 100
    told = replace(job, plan=replace(job.plan, table_columns=json.dumps(columns)))

    written = lake.write(told, activities_of(("1.5", "0.25")))

    fields = pq.read_schema(path_of(str(written.part)))
    assert [int((field.metadata or {})[b"PARQUET:field_id"]) for field in fields] == [
        each["id"] for each in columns["fields"]
    ]


def test_the_first_write_wins(lake: Lakehouse) -> None:
    first = lake.write(job_of(run_id="run-1"), activities_of(("1.5", "0.25")))

    second = lake.write(job_of(run_id="run-2"), activities_of(("1.5", "0.25")))

    assert second == first
    assert second.run_id == "run-1"
    assert set(read(second)["import_batch_id"]) == {"run-1"}


def test_a_part_loses_its_write_permission(lake: Lakehouse) -> None:
    outcome = lake.write(job_of(), activities_of(("1.5", "0.25")))

    assert not stat.S_IMODE(Path(path_of(str(outcome.part))).stat().st_mode) & 0o222


def test_rejections_are_kept_with_whose_they_are(lake: Lakehouse) -> None:
    outcome = lake.write(job_of(), activities_of(("1", "1")), rejections_of("bad_number", "negative_usage"))

    kept = pl.read_parquet(path_of(str(outcome.rejections)))
    assert kept.select("org_id", "source_name", "billing_period", "source_row", "reason").rows() == [
        ("org-123", "acme", "2024-01", 1, "bad_number"),
        ("org-123", "acme", "2024-01", 2, "negative_usage"),
    ]


def test_a_file_without_activities_has_rejections_and_no_part(lake: Lakehouse) -> None:
    outcome = lake.write(job_of(), activities_of(), rejections_of("bad_number"))

    assert outcome.part is None
    assert outcome.data_file is None
    assert lake.files() == [f"{job_of().file.digest}.rejections.parquet"]


def test_a_file_without_rows_leaves_nothing(lake: Lakehouse) -> None:
    outcome = lake.write(job_of(), activities_of())

    assert (outcome.part, outcome.rejections) == (None, None)
    assert lake.files() == []


def interrupted(lake: Lakehouse) -> None:
    with lake.parts.create(job_of(), ()) as writer:
        writer.write(activities_of(("1", "1")))
        writer.reject(rejections_of("bad_number"))
        raise KeyboardInterrupt


@pytest.mark.parametrize("named", [False, True], ids=["nameless scratch", "named scratch"])
def test_an_exception_leaves_nothing(lake: Lakehouse, monkeypatch: pytest.MonkeyPatch, named: bool) -> None:
    if named:
        monkeypatch.delattr(os, "O_TMPFILE")

    with pytest.raises(KeyboardInterrupt):
        interrupted(lake)

    assert lake.files() == []


@pytest.mark.parametrize("named", [False, True], ids=["nameless scratch", "named scratch"])
def test_leaving_without_finish_leaves_nothing(lake: Lakehouse, monkeypatch: pytest.MonkeyPatch, named: bool) -> None:
    if named:
        monkeypatch.delattr(os, "O_TMPFILE")

    with lake.parts.create(job_of(), ()) as writer:
        writer.write(activities_of(("1", "1")))

    assert lake.files() == []
    assert lake.parts.find(job_of()) is None


def write_and_wait(folder: Path, written: Event) -> None:
    with lakehouse(folder) as lake, lake.parts.create(job_of(), ()) as writer:
        for _ in range(2):
            writer.write(activities_of(*[("1", "1")] * ROW_GROUP))
        written.set()
        signal.pause()


def test_a_foreign_file_in_the_place_of_a_part_is_an_error(lake: Lakehouse) -> None:
    for body in (b"PAR1", b""):
        lake.warehouse.put(part_key(job_of().plan.slot, job_of().file.digest), body)

        with pytest.raises(FatalError) as error:
            lake.parts.find(job_of())

        assert error.value.code == "unreadable"


def test_a_killed_worker_leaves_nothing(tmp_path: Path) -> None:
    fresh = multiprocessing.get_context("spawn")
    written = fresh.Event()
    process = fresh.Process(target=write_and_wait, args=(tmp_path, written))
    process.start()
    assert written.wait(60)

    process.kill()
    process.join()

    with lakehouse(tmp_path) as lake:
        assert lake.files() == []
        assert lake.write(job_of(), activities_of(("1", "1"))).part


@pytest.mark.parametrize(
    "claimed",
    [
        Tally(1, Decimal("1.5"), Decimal("0.25")),
        Tally(2, Decimal("1.6"), Decimal("0.25")),
        Tally(2, Decimal("1.5"), Decimal(0)),
    ],
    ids=["rows", "usage", "cost"],
)
def test_a_part_that_is_not_what_was_converted_is_refused_and_discarded(lake: Lakehouse, claimed: Tally) -> None:
    activities = activities_of(("1", "0.25"), ("0.5", "0"))
    outcome = converted(job_of(), activities)
    wrong = replace(outcome, balance=replace(outcome.balance, activities=claimed))

    with lake.parts.create(job_of(), ()) as writer:
        writer.write(activities)
        writer.reject(rejections_of("bad_number"))
        with pytest.raises(FatalError) as refusal:
            writer.finish(wrong)

    assert refusal.value.code == "unbalanced"
    assert lake.files() == []


def test_sums_wider_than_any_decimal_column_are_proven_exactly(lake: Lakehouse) -> None:
    activities = activities_of((LARGEST, f"-{LARGEST}"), (LARGEST, "-0.000000000000000001"), (LARGEST, "0"))

    outcome = lake.write(job_of(), activities)

    assert outcome.balance.activities.usage == Decimal("299999999999999999999.999999999999999997")
    assert read(outcome)["quantity"].to_list() == [Decimal(LARGEST)] * 3


def test_a_folder_with_signs_that_mean_something_in_uris_works(tmp_path: Path) -> None:
    folder = tmp_path / "c# [1] 100%25 'é * key=value"
    folder.mkdir()

    with lakehouse(folder) as lake:
        outcome = lake.write(job_of(), activities_of(("1", "0")))

        assert lake.parts.find(job_of()) == outcome
