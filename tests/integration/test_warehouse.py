from __future__ import annotations

import errno
import os
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from tests.fakes.plans import report_of
from worker.adapters.row_groups import RowGroups
from worker.adapters.run_reports import WarehouseRunReports
from worker.adapters.warehouse import Warehouse, disk_errors
from worker.domain.errors import AuthError, BadRequestError, FatalError, IngestError, NotFoundError, TransientError
from worker.domain.outcome import RunState


@pytest.fixture(params=["nameless scratch", "named scratch"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    if request.param == "named scratch":
        monkeypatch.delattr(os, "O_TMPFILE")
    return Warehouse(tmp_path / "warehouse")


def test_what_was_put_is_read_by_key_and_by_uri(warehouse: Warehouse) -> None:
    uri = warehouse.put("a/b.json", b"1")

    assert warehouse.exists("a/b.json")
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


def test_a_list_has_what_matches_in_order_and_nothing_that_is_being_written(warehouse: Warehouse) -> None:
    for key in ("b/1.json", "a/2.json", "a/1.json", "a/1.parquet", "a/deep/1.json"):
        warehouse.put(key, b"")

    with warehouse.stage("a/3.json"):
        assert warehouse.list("*/*.json") == ("a/1.json", "a/2.json", "b/1.json")


def test_what_is_not_there_is_not_found(warehouse: Warehouse) -> None:
    assert not warehouse.exists("a.json")
    assert warehouse.list("*") == ()
    with pytest.raises(NotFoundError):
        warehouse.read("a.json")


def test_no_key_leads_out(warehouse: Warehouse) -> None:
    with pytest.raises(BadRequestError):
        warehouse.put("a/../../b.json", b"")


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


def test_a_full_disk_says_so(tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.symlink_to("/dev/full")
    rows = RowGroups[pl.DataFrame](str(full), lambda batches: pl.concat(batches).to_arrow())
    rows.add(pl.DataFrame({"noise": [os.urandom(1000) for _ in range(1000)]}), 1000)

    with closing(rows), pytest.raises(TransientError) as error:
        rows.finish()

    assert error.value.code == "ENOSPC"
    assert "free space" in error.value.remedy


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.EROFS, FatalError), (errno.EACCES, AuthError), (errno.ENOENT, NotFoundError)]
)
def test_what_the_disk_objects_to_comes_with_a_remedy(number: int, kind: type[IngestError]) -> None:
    with pytest.raises(kind) as error, disk_errors("a part"):
        raise OSError(number, "no")

    assert error.value.remedy
