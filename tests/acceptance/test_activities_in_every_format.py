"""The same rows in everything that AWS delivers them in: what is published is the same, and what a naive reading finds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.acceptance.buckets import Row
from tests.fakes.reference import Reference
from tests.fakes.reference_files import report_lines
from tests.property.conversion import figures
from tests.servers.deployment import Deployment
from worker import api
from worker.adapters.sample_columns import COLUMNS
from worker.adapters.sample_files import FileFormat
from worker.adapters.sample_month import Layout, Month, write_month
from worker.adapters.sample_rows import sample_lines
from worker.domain.billing_period import BillingPeriod

pytestmark = pytest.mark.acceptance

PERIOD = BillingPeriod(2025, 1)
FORMATS = {
    "legacy csv.gz": (Layout.LEGACY, FileFormat.GZIP),
    "legacy zip": (Layout.LEGACY, FileFormat.ZIP),
    "legacy Parquet": (Layout.LEGACY, FileFormat.PARQUET),
    "CUR 2.0 csv.gz": (Layout.EXPORT, FileFormat.GZIP),
    "CUR 2.0 Parquet": (Layout.EXPORT, FileFormat.PARQUET),
}
AMOUNTS = ("line_item_usage_amount", "line_item_unblended_cost")
COMPARED = (
    "category", "location", "region", "period_start", "period_end", "quantity", "unit", "pricing_unit", "account_id",
    "payer_account_id", "service_code", "service_name", "usage_type", "operation", "instance_type", "resource_id",
    "line_item_type", "purchase_option", "cost", "currency", "external_id", "source_row", "tags",
)  # fmt: skip


def expressible(row: Row) -> Row:
    """Parquet has amounts as doubles: other digits it cannot hold."""
    return {**row, **{name: repr(float(row[name])) for name in AMOUNTS if row[name]}}


ROWS = [
    expressible(line.row)
    for line in sample_lines(PERIOD, 600, Random(3), "2025000001")
    if line.row["line_item_usage_amount"] != "n/a"
]
MONTH = Month(str(PERIOD), rows=ROWS, columns=COLUMNS, rows_per_file=250)


def told(rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """The rows in an order of their own, as text; tags in order of their keys."""
    shown = ({**row, "tags": sorted(row["tags"].items())} for row in rows)
    return sorted(tuple(str(row[name]) for name in COMPARED) for row in shown)


@pytest.fixture(scope="module")
def naive(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """What csv and decimal make of the legacy report."""
    folder = tmp_path_factory.mktemp("naive")
    read = Reference(str(PERIOD))
    for key in write_month(folder, MONTH).files:
        read.read(report_lines((folder / key).read_bytes()))
    return read


@pytest.mark.parametrize("delivered", FORMATS)
def test_every_format_is_published_as_a_naive_reading_finds_it(
    deployment: Deployment, org: str, tmp_path: Path, naive: Reference, delivered: str
) -> None:
    layout, file_format = FORMATS[delivered]
    write_month(tmp_path, replace(MONTH, layout=layout, file_format=file_format))

    [report] = deployment.ingest(api.source(tmp_path.as_uri(), org))

    found = api.query(f"select {', '.join(COMPARED)} from activities", org)
    published = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
    assert report.errors == ()
    assert figures(report.balance) == naive.figures()
    assert told(published) == told(naive.made)
