"""What every warehouse does: one suite for a folder, with and without nameless scratch files, and for S3."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.fakes.lakehouse import s3_warehouse
from tests.fakes.plans import report_of
from tests.servers.seaweed import Seaweed
from worker.adapters.folder_warehouse import FolderWarehouse
from worker.adapters.run_reports import WarehouseRunReports
from worker.adapters.warehouse import Warehouse
from worker.domain.errors import BadRequestError, NotFoundError
from worker.domain.outcome import RunState

BODY = bytes(range(256)) * 4096


@pytest.fixture(params=["nameless scratch", "named scratch", "s3"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Warehouse]:
    if request.param == "s3":
        server: Seaweed = request.getfixturevalue("seaweed")
        server.owner.sign_in(monkeypatch)
        yield s3_warehouse(server, request.getfixturevalue("s3_folder"), tmp_path)
    else:
        if request.param == "named scratch":
            monkeypatch.delattr(os, "O_TMPFILE")
        yield FolderWarehouse(tmp_path / "warehouse")
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.name.startswith(".")] == []
    assert list(tmp_path.glob("offgridflow-*")) == []


def test_what_was_put_is_read_by_key_and_by_uri(warehouse: Warehouse) -> None:
    uri = warehouse.put("a/b.json", b"1")

    assert warehouse.exists("a/b.json")
    assert warehouse.exists(uri)
    assert warehouse.read("a/b.json") == warehouse.read(uri) == b"1"
    assert uri == warehouse.uri("a/b.json")


def test_putting_again_replaces(warehouse: Warehouse) -> None:
    warehouse.put("a.json", b"1")
    warehouse.put("a.json", b"2")

    assert warehouse.read("a.json") == b"2"
    assert warehouse.list("*") == ("a.json",)


def test_what_is_put_only_if_absent_is_never_replaced(warehouse: Warehouse) -> None:
    assert warehouse.put_if_absent("a.json", b"1")
    assert not warehouse.put_if_absent("a.json", b"2")

    assert warehouse.read("a.json") == b"1"
    assert warehouse.list("*") == ("a.json",)


def test_of_many_that_put_a_file_at_once_one_is_first(warehouse: Warehouse) -> None:
    bodies = [str(number).encode() for number in range(8)]

    with ThreadPoolExecutor(len(bodies)) as threads:
        first = list(threads.map(partial(warehouse.put_if_absent, "a.json"), bodies))

    assert first.count(True) == 1
    assert warehouse.read("a.json") == bodies[first.index(True)]


def test_a_staged_file_is_there_once_it_is_placed(warehouse: Warehouse) -> None:
    with warehouse.stage("a/b.parquet") as staged:
        Path(staged.path).write_bytes(BODY)
        before = warehouse.exists("a/b.parquet")
        placed = staged.place()

    assert (before, placed) == (False, True)
    assert staged.uri == warehouse.uri("a/b.parquet")
    assert warehouse.read(staged.uri) == BODY


def test_of_two_that_stage_a_file_the_second_finds_the_first(warehouse: Warehouse) -> None:
    with warehouse.stage("a.parquet") as one, warehouse.stage("a.parquet") as other:
        Path(one.path).write_bytes(b"1")
        Path(other.path).write_bytes(b"2")

        assert one.place()
        assert not other.place()

    assert warehouse.read("a.parquet") == b"1"


def test_what_is_staged_and_not_placed_leaves_nothing(warehouse: Warehouse) -> None:
    with warehouse.stage("a/b.parquet") as staged:
        Path(staged.path).write_bytes(BODY)

    assert list(warehouse.below("a")) == []


def test_a_file_is_read_here_and_there(warehouse: Warehouse) -> None:
    uri = warehouse.put("a.parquet", BODY)

    with warehouse.open(uri) as file:
        size = file.size()
        file.seek(-4, 2)
        end = file.read()
        file.seek(256)
        middle = file.read(256)

    assert (size, end, middle) == (len(BODY), BODY[-4:], BODY[:256])


def test_a_list_has_what_matches_in_order_and_nothing_that_is_being_written(warehouse: Warehouse) -> None:
    for key in ("b/1.json", "a/2.json", "a/1.json", "a/1.parquet", "a/deep/1.json", "1.json"):
        warehouse.put(key, b"")

    with warehouse.stage("a/3.json"):
        assert warehouse.list("*/*.json") == ("a/1.json", "a/2.json", "b/1.json")
        assert warehouse.list("a/*/*.json") == ("a/deep/1.json",)
        assert warehouse.list("a*/1.json") == ("a/1.json",)


def test_all_files_below_a_folder_are_found_with_their_sizes_and_times(warehouse: Warehouse) -> None:
    for key, body in {"a/1.json": b"1", "a/deep/2.json": b"22", "ab/3.json": b"333"}.items():
        warehouse.put(key, body)

    found = sorted(warehouse.below("a"), key=lambda file: file.key)

    assert [(file.key, file.size) for file in found] == [("a/1.json", 1), ("a/deep/2.json", 2)]
    now = datetime.now(UTC)  # noqa: TID251  against the clock of whoever keeps the files
    assert all(abs(now - file.modified) < timedelta(minutes=1) for file in found)


def test_more_files_than_fit_a_page_of_a_listing_are_found(warehouse: Warehouse) -> None:
    keys = [f"a/{number:04}.json" for number in range(1_001)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda key: warehouse.put(key, b""), keys))

    assert warehouse.list("*/*.json") == tuple(keys)
    assert sorted(file.key for file in warehouse.below("a")) == keys


def test_what_is_deleted_is_gone_and_may_be_deleted_again(warehouse: Warehouse) -> None:
    warehouse.put("a/1.json", b"")

    warehouse.delete("a/1.json")
    warehouse.delete("a/1.json")

    assert not warehouse.exists("a/1.json")


def test_what_is_not_there_is_not_found(warehouse: Warehouse) -> None:
    assert not warehouse.exists("a.json")
    assert warehouse.list("*") == ()
    assert list(warehouse.below("a")) == []
    with pytest.raises(NotFoundError):
        warehouse.read("a.json")
    with pytest.raises(NotFoundError) as error:
        warehouse.open(warehouse.uri("a.json"))
    assert "backup" in error.value.remedy


@pytest.mark.parametrize("way", ["put", "delete", "uri", "below", "stage"])
def test_no_key_leads_out(warehouse: Warehouse, way: str) -> None:
    ways: dict[str, Callable[[str], object]] = {
        "put": lambda key: warehouse.put(key, b""),
        "delete": warehouse.delete,
        "uri": warehouse.uri,
        "below": lambda key: list(warehouse.below(key)),
        "stage": lambda key: warehouse.stage(key).__enter__().uri,
    }

    with pytest.raises(BadRequestError):
        ways[way]("a/../../b.json")


def test_the_last_run_of_every_slot_is_kept(warehouse: Warehouse) -> None:
    reports = WarehouseRunReports(warehouse)
    reports.keep(report_of("run-1", RunState.FAILED))
    reports.keep(report_of("run-2", RunState.PUBLISHED))
    reports.keep(report_of("run-3", RunState.FAILED, period=None))

    assert reports.latest() == (
        report_of("run-2", RunState.PUBLISHED),
        report_of("run-3", RunState.FAILED, period=None),
    )


def test_before_any_run_there_is_no_report(warehouse: Warehouse) -> None:
    assert WarehouseRunReports(warehouse).latest() == ()
