from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import polars as pl
import pytest

from tests.fakes.lakehouse import Lakehouse, activities_of, lakehouse
from tests.fakes.plans import ACME, plan_of
from worker.adapters.activity_scan import scan
from worker.adapters.warehouse import path_of
from worker.domain.schema import activity_schema


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lakehouse]:
    with lakehouse(tmp_path) as opened:
        yield opened


def a_full_row(lake: Lakehouse) -> dict[str, object]:
    """Publish one activity that has something in every column but those of carbon estimates; returns it as polars reads it."""
    plan = plan_of("a.csv", source=replace(ACME, workspace_id="w-1"))
    lake.publish(plan, lake.ingest(plan, activities_of(("1.5", "0.25"), **{"tag:user:team": ["web"]})))
    row = scan(lake.table).collect().row(0, named=True)
    assert {name for name, value in row.items() if value is None} == {"scope", "method", "model_version"}
    return row


def test_every_column_reads_back_through_iceberg(lake: Lakehouse) -> None:
    expected = a_full_row(lake)

    found = pl.DataFrame(lake.tables.get("org-123").scan().to_arrow())

    assert found.row(0, named=True) == expected
    assert found.columns == list(activity_schema())


def test_every_column_reads_back_through_duckdb(lake: Lakehouse) -> None:
    expected = a_full_row(lake)
    (record,) = lake.table.records()

    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        answer = connection.execute("FROM read_parquet($1)", [path_of(str(record.files[0].part))])
        names = [column[0] for column in answer.description or ()]
        found = dict(zip(names, answer.fetchall()[0], strict=True))

    assert found == expected


def test_every_column_reads_back_through_polars_with_its_type(lake: Lakehouse) -> None:
    a_full_row(lake)

    assert scan(lake.table).collect_schema() == pl.Schema(activity_schema())
    assert scan(lake.table).collect().schema == pl.Schema(activity_schema())


@pytest.mark.parametrize("narrow", ["billing_period = '2024-01'", "account_id = 'a account_id'"])
def test_iceberg_finds_parts_by_partition_and_by_bounds(lake: Lakehouse, narrow: str) -> None:
    a_full_row(lake)

    assert lake.tables.get("org-123").scan(row_filter=narrow).to_arrow().num_rows == 1


@pytest.mark.parametrize(
    "narrow", ["billing_period = '2024-02'", "account_id = 'z'", "period_start > '2025-01-01T00:00:00+00:00'"]
)
def test_iceberg_skips_parts_by_partition_and_by_bounds(lake: Lakehouse, narrow: str) -> None:
    a_full_row(lake)

    assert list(lake.tables.get("org-123").scan(row_filter=narrow).plan_files()) == []
