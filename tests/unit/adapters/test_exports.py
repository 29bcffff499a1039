from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.fakes.lakehouse import Lakehouse, lakehouse
from tests.fakes.plans import ACME
from tests.fakes.world import FakeWorld, month
from worker.adapters.exports import export
from worker.adapters.sample_columns import line_item
from worker.adapters.table_version import EVERYTHING, Selection
from worker.adapters.warehouse import path_of
from worker.domain.errors import NotFoundError
from worker.domain.outcome import RunState
from worker.domain.schema import activity_schema

FORMATS = ("parquet", "csv", "jsonl")
NEIGHBOUR = replace(ACME, name="neighbour", org_id="org-9", url="s3://other-bucket/cur/")
QUANTUM = "0.000000000000000001"
TINY = line_item("2024-01", line_item_usage_amount=QUANTUM, line_item_resource_id="")
TAGGED = line_item("2024-01") | {"resourceTags/user:team": 'søk, "funn"'}
REQUIRED_KEYS = {
    "id", "source", "category", "location", "period_start", "period_end", "quantity", "unit", "org_id", "metadata",
    "created_at", "updated_at", "import_batch_id", "external_id", "idempotency_key", "ingestion_attempts", "data_quality",
}  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lakehouse]:
    """January in two files and February of one org, and a month of another."""
    with lakehouse(tmp_path_factory.mktemp("lake")) as opened:
        ingest(opened)
        yield opened


def ingest(lake: Lakehouse) -> None:
    fake = FakeWorld(lake.folder)
    fake.world = replace(fake.world, parts=lake.parts, table=lake.table)
    fake.deliver(replace(month("2024-01", TAGGED, TINY), columns=(), rows_per_file=1))
    fake.deliver(month("2024-02"))
    fake.deliver(month("2024-01"), NEIGHBOUR)
    reports = fake.ingest(ACME, NEIGHBOUR)
    assert {report.state for report in reports} == {RunState.PUBLISHED}


def lines_of(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line, parse_float=Decimal, parse_int=Decimal) for line in out.read_text().splitlines()]


def rows_of(out: Path) -> list[dict[str, str]]:
    with out.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def ids_of(out: Path) -> list[str]:
    match out.suffix:
        case ".parquet":
            return pl.read_parquet(out)["activity_id"].to_list()
        case ".csv":
            return [row["activity_id"] for row in rows_of(out)]
        case _:
            return [line["id"] for line in lines_of(out)]


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_has_the_published_activities(lake: Lakehouse, tmp_path: Path, format_: str) -> None:
    out = tmp_path / f"out.{format_}"

    count = export(lake.table, None, EVERYTHING, out, format_)

    parts = [path_of(str(file.part)) for record in lake.table.records() for file in record.files]
    published = pl.read_parquet(parts)["activity_id"].to_list()
    assert count == len(published) == 4
    assert ids_of(out) == published


@pytest.mark.parametrize(
    ("org_id", "selection", "count"),
    [
        ("org-123", EVERYTHING, 3),
        ("org-123", Selection(billing_period="2024-01"), 2),
        (None, Selection(source_name="neighbour"), 1),
        ("org-123", Selection(source_name="neighbour"), 0),
        ("org-0", EVERYTHING, 0),
    ],
)
def test_only_what_is_selected_is_exported(
    lake: Lakehouse, tmp_path: Path, org_id: str | None, selection: Selection, count: int
) -> None:
    out = tmp_path / "out.jsonl"

    assert export(lake.table, org_id, selection, out, "jsonl") == count
    assert len(lines_of(out)) == count


def test_json_lines_are_the_founding_activity(lake: Lakehouse, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"

    export(lake.table, "org-123", Selection(billing_period="2024-01"), out, "jsonl")

    first, second = lines_of(out)
    [record, _] = lake.table.records("org-123")
    assert all(line.keys() >= REQUIRED_KEYS for line in (first, second))
    assert (first["source"], first["category"], first["location"]) == ("aws_cur", "cloud_compute", "US-EAST")
    assert {first["quantity"], second["quantity"]} == {Decimal(730), Decimal(QUANTUM)}
    assert first["idempotency_key"] == f"aws_cur:{first['id']}:2024-01"
    assert (first["import_batch_id"], first["ingestion_attempts"]) == (record.run_id, 1)
    assert first["created_at"] == first["updated_at"] == f"{record.published_at:%Y-%m-%dT%H:%M:%SZ}"
    assert "meter_id" not in first
    assert all(isinstance(value, str) and value for value in first["metadata"].values())
    assert first["metadata"]["data_source"] == "aws_cur"


def test_parquet_has_the_tables_columns_and_amounts_with_all_their_digits(lake: Lakehouse, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"

    export(lake.table, "org-123", EVERYTHING, out, "parquet")

    rows = pl.read_parquet(out)
    assert rows.schema == activity_schema()
    assert rows["quantity"].sum() == Decimal(1460) + Decimal(QUANTUM)
    assert [dict(tags) for tags in rows["tags"].to_list() if tags] == [{"user_team": 'søk, "funn"'}]


def test_csv_has_the_tables_columns_and_tags_as_json(lake: Lakehouse, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"

    export(lake.table, "org-123", EVERYTHING, out, "csv")

    rows = rows_of(out)
    assert list(rows[0]) == list(activity_schema())
    assert sum(Decimal(row["quantity"]) for row in rows) == Decimal(1460) + Decimal(QUANTUM)
    assert sorted(row["tags"] for row in rows) == ['{"user_team":"søk, \\"funn\\""}', "{}", "{}"]
    assert {row["period_start"] for row in rows} == {"2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z"}


@pytest.mark.parametrize("format_", ["parquet", "csv", "jsonl"])
def test_an_export_of_nothing_is_a_file_without_rows(lake: Lakehouse, tmp_path: Path, format_: str) -> None:
    out = tmp_path / f"out.{format_}"

    assert export(lake.table, "org-0", EVERYTHING, out, format_) == 0
    assert ids_of(out) == []


@pytest.mark.parametrize("format_", FORMATS)
def test_a_failing_export_leaves_what_was_there_and_nothing_else(tmp_path: Path, format_: str) -> None:
    out = tmp_path / "out" / f"out.{format_}"
    out.parent.mkdir()
    out.write_text("the last export")
    with lakehouse(tmp_path / "lake") as lake:
        ingest(lake)
        last = lake.table.records("org-123")[-1].files[-1].part
        assert last is not None
        Path(path_of(last)).unlink()

        with pytest.raises(NotFoundError):
            export(lake.table, "org-123", EVERYTHING, out, format_)

    assert [path.name for path in out.parent.iterdir()] == [out.name]
    assert out.read_text() == "the last export"
