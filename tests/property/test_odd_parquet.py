"""Parquet that no report is: columns of other types than AWS writes, and bytes that are not what they are said to be."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.property.conversion import Packed, convert, refusal
from worker.adapters.sample_columns import line_item
from worker.domain.errors import BadRequestError, FatalError, TransientError

ROW = line_item("2024-01")
NEW_YEAR = datetime(2024, 1, 1, tzinfo=UTC)
EC2 = "Amazon Elastic Compute Cloud"


def parquet(**columns: pa.Array[Any]) -> Packed:
    """A file of one ordinary row, with these columns instead of its own."""
    own: Mapping[str, pa.Array[Any]] = {name: pa.array([cell]) for name, cell in ROW.items()}
    kept = {name: cells for name, cells in own.items() if name != "product_product_name" or "product" not in columns}
    file = io.BytesIO()
    pq.write_table(pa.table({**kept, **columns}), file, compression="none")
    return Packed(file.getvalue(), "parquet")


@pytest.mark.parametrize(
    ("usage", "quantity"),
    [
        (pa.array([730.0]), "730"),
        (pa.array([1e-7]), "0.0000001"),
        (pa.array([0.1], pa.float32()), "0.1"),
        (pa.array([12]), "12"),
        (pa.array([Decimal("0.000000000000000001")], pa.decimal128(38, 18)), "0.000000000000000001"),
        (pa.array(["3.34E-8"], pa.large_string()), "0.0000000334"),
        (pa.array(["5"]).dictionary_encode(), "5"),
    ],
    ids=lambda value: str(getattr(value, "type", value)),
)
def test_an_amount_is_what_its_shortest_decimal_says(folder: Path, usage: pa.Array[Any], quantity: str) -> None:
    [row] = convert(parquet(line_item_usage_amount=usage), folder).rows

    assert row["quantity"] == Decimal(quantity)


@pytest.mark.parametrize("no_number", [float("nan"), float("inf"), 1e300])
def test_a_double_that_is_no_amount_is_a_rejection(folder: Path, no_number: float) -> None:
    converted = convert(parquet(line_item_usage_amount=pa.array([no_number])), folder)

    assert converted.balance.rejected_by_reason == {"bad_number": 1}


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "+02:00", "America/New_York"])
def test_an_instant_is_the_same_in_every_unit_and_zone(folder: Path, unit: str, zone: str | None) -> None:
    stored: Any = pa.timestamp(unit, zone)
    new_year = pa.array([int(NEW_YEAR.timestamp())], pa.timestamp("s", zone)).cast(stored)

    [row] = convert(parquet(line_item_usage_start_date=new_year, bill_billing_period_start_date=new_year), folder).rows

    assert row["period_start"] == NEW_YEAR


@pytest.mark.parametrize(
    "column",
    [
        {"line_item_operation": pa.array([["RunInstances"]])},
        {"line_item_operation": pa.array([{"name": "RunInstances"}])},
        {"line_item_operation": pa.array([[("a", "b")]], pa.map_(pa.string(), pa.string()))},
        {"line_item_operation": pa.array([b"\xff\xfe"])},
        {"line_item_usage_amount": pa.array([Decimal(1)], pa.decimal256(50, 2))},
        {"line_item_usage_start_date": pa.array([NEW_YEAR], pa.timestamp("us", "Not/AZone"))},
        {"resource_tags": pa.array([["a"]])},
        {"resource_tags": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64()))},
        {"resource_tags_user_team": pa.array([[("a", "b")]], pa.map_(pa.string(), pa.string()))},
    ],
    ids=lambda column: " ".join(f"{name} {cells.type}" for name, cells in column.items()),
)
def test_a_column_of_a_type_that_no_report_has_is_refused(folder: Path, column: Mapping[str, pa.Array[Any]]) -> None:
    error = refusal(parquet(**column), folder)

    assert (type(error), error.code) == (BadRequestError, "wrong_type")


def test_two_columns_of_one_name_are_refused(folder: Path) -> None:
    names = [*ROW, "resource_tags_user_a", "resource_tags_user_a"]
    file = io.BytesIO()
    pq.write_table(pa.table([pa.array([ROW.get(name, "x")]) for name in names], names=names), file)

    assert refusal(Packed(file.getvalue(), "parquet"), folder).code == "wrong_type"


def test_text_that_is_no_utf8_never_reaches_a_part(folder: Path) -> None:
    whole = parquet(line_item_operation=pa.array(["ABCDEFGH"]))
    spoiled = Packed(whole.body.replace(b"ABCDEFGH", b"ABC\xff\xfeFGH"), "parquet")

    error = refusal(spoiled, folder)

    assert (type(error), error.code) == (TransientError, "damaged_file")


def test_tags_and_product_may_be_maps(folder: Path) -> None:
    kind = pa.map_(pa.string(), pa.string())
    tags = pa.array([[("user_team", "checkout"), ("user_empty", "")]], kind)

    [row] = convert(parquet(resource_tags=tags, product=pa.array([[("product_name", EC2)]], kind)), folder).rows

    assert (row["tags"], row["service_name"]) == ({"user_team": "checkout"}, EC2)


def test_a_file_that_unpacks_to_too_much_is_refused(folder: Path) -> None:
    error = refusal(parquet(line_item_operation=pa.array(["x" * 10_000])), folder, limit=9_999)

    assert (type(error), error.code) == (FatalError, "unpacked_limit")


def test_a_file_without_rows_is_a_month_without_activities(folder: Path) -> None:
    file = io.BytesIO()
    pq.write_table(pa.table({name: pa.array([cell]) for name, cell in ROW.items()}).slice(0, 0), file)

    assert convert(Packed(file.getvalue(), "parquet"), folder).balance.read.rows == 0
