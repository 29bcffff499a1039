"""A composed month lies where AWS would put it and says what it was given."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from worker.adapters.sample_columns import line_item
from worker.adapters.sample_files import FileFormat
from worker.adapters.sample_month import Layout, Month, write_month

LEGACY = Month("2025-01", name="r", prefix="cur", version_id="v1", rows=[line_item()])
EXPORT = replace(LEGACY, layout=Layout.EXPORT)


def read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode(), newline="")))


@pytest.mark.parametrize(
    ("month", "file", "manifests"),
    [
        (
            LEGACY,
            "cur/r/20250101-20250201/v1/r-00001.csv.gz",
            ("cur/r/20250101-20250201/v1/r-Manifest.json", "cur/r/20250101-20250201/r-Manifest.json"),
        ),
        (
            replace(LEGACY, overwrite=True, prefix=""),
            "r/20250101-20250201/r-00001.csv.gz",
            ("r/20250101-20250201/r-Manifest.json",),
        ),
        (
            EXPORT,
            "cur/r/data/BILLING_PERIOD=2025-01/2025-02-01T00:00:00.000Z-v1/r-00001.csv.gz",
            (
                "cur/r/metadata/BILLING_PERIOD=2025-01/2025-02-01T00:00:00.000Z-v1/r-Manifest.json",
                "cur/r/metadata/BILLING_PERIOD=2025-01/r-Manifest.json",
            ),
        ),
        (
            replace(EXPORT, overwrite=True, prefix="a/b"),
            "a/b/r/data/BILLING_PERIOD=2025-01/r-00001.csv.gz",
            ("a/b/r/metadata/BILLING_PERIOD=2025-01/r-Manifest.json",),
        ),
    ],
    ids=["legacy create-new", "legacy overwrite", "export create-new", "export overwrite"],
)
def test_keys_are_those_of_aws(tmp_path: Path, month: Month, file: str, manifests: tuple[str, ...]) -> None:
    delivery = write_month(tmp_path, month)

    assert delivery.files == (file,)
    assert delivery.manifests == manifests
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*") if path.is_file()}
    assert written == {file, *manifests}


def test_rows_are_split_over_files_in_order(tmp_path: Path) -> None:
    rows = [line_item(identity_line_item_id=str(number)) for number in range(5)]

    delivery = write_month(tmp_path, replace(LEGACY, rows=rows, rows_per_file=2))

    ids = [[row["identity/LineItemId"] for row in read(tmp_path / key)] for key in delivery.files]
    assert ids == [["0", "1"], ["2", "3"], ["4"]]


def test_rows_that_fill_their_files_leave_no_empty_one(tmp_path: Path) -> None:
    delivery = write_month(tmp_path, replace(LEGACY, rows=[line_item()] * 4, rows_per_file=2))

    assert len(delivery.files) == 2


def test_a_month_without_rows_is_one_header_only_file(tmp_path: Path) -> None:
    delivery = write_month(tmp_path, replace(LEGACY, rows=[], columns=tuple(line_item())))

    assert [read(tmp_path / key) for key in delivery.files] == [[]]


def test_surplus_chunks_are_header_only_and_named_by_the_manifest(tmp_path: Path) -> None:
    delivery = write_month(tmp_path, replace(EXPORT, overwrite=True, surplus=2))

    manifest = json.loads((tmp_path / delivery.manifests[-1]).read_text())
    assert manifest["dataFiles"] == [f"s3://sample-bucket/{key}" for key in delivery.files]
    assert [len(read(tmp_path / key)) for key in delivery.files] == [1, 0, 0]


def test_a_later_version_leaves_the_earlier_one_beside_it(tmp_path: Path) -> None:
    first = write_month(tmp_path, LEGACY)

    second = write_month(tmp_path, replace(LEGACY, version_id="v2"))

    assert first.manifests[-1] == second.manifests[-1]
    assert (tmp_path / first.files[0]).exists()
    assert json.loads((tmp_path / second.manifests[-1]).read_text())["assemblyId"] == "v2"


def test_the_header_is_what_the_rows_bring_and_a_missing_cell_is_blank(tmp_path: Path) -> None:
    rows = [{"line_item_usage_amount": "1"}, {"resourceTags/user:team": "web", "no such column": "x"}]

    delivery = write_month(tmp_path, replace(LEGACY, rows=rows))

    assert read(tmp_path / delivery.files[0]) == [
        {"lineItem/UsageAmount": "1", "resourceTags/user:team": "", "no such column": ""},
        {"lineItem/UsageAmount": "", "resourceTags/user:team": "web", "no such column": "x"},
    ]


def test_an_export_folds_tags_and_product_attributes_into_maps(tmp_path: Path) -> None:
    rows = [line_item(**{"resourceTags/user:cost-center": "4711", "resourceTags/aws:createdBy": ""})]

    delivery = write_month(tmp_path, replace(EXPORT, rows=rows))

    [row] = read(tmp_path / delivery.files[0])
    assert json.loads(row["resource_tags"]) == {"user_cost_center": "4711"}
    assert json.loads(row["product"]) == {"product_name": "Amazon Elastic Compute Cloud"}
    assert row["product_instance_type"] == "m5.large"


def test_a_legacy_manifest_names_category_and_column(tmp_path: Path) -> None:
    delivery = write_month(tmp_path, LEGACY)

    manifest = json.loads((tmp_path / delivery.manifests[-1]).read_text())
    assert manifest["columns"][0] == {"category": "identity", "name": "LineItemId"}
    assert manifest["billingPeriod"] == {"start": "20250101T000000.000Z", "end": "20250201T000000.000Z"}
    assert manifest["reportKeys"] == list(delivery.files)


def test_zip_and_bare_csv_hold_the_same_text_as_gzip(tmp_path: Path) -> None:
    paths = {
        packing: tmp_path / write_month(tmp_path, replace(LEGACY, file_format=packing)).files[0]
        for packing in (FileFormat.GZIP, FileFormat.ZIP, FileFormat.CSV)
    }

    text = gzip.decompress(paths[FileFormat.GZIP].read_bytes())
    with zipfile.ZipFile(paths[FileFormat.ZIP]) as archive:
        assert [archive.read(name) for name in archive.namelist()] == [text]
    assert paths[FileFormat.CSV].read_bytes() == text


@pytest.mark.parametrize("month", [LEGACY, EXPORT], ids=["legacy", "export"])
def test_parquet_has_the_types_of_aws(tmp_path: Path, month: Month) -> None:
    rows = [line_item(**{"resourceTags/user:team": "web"}), line_item(line_item_usage_amount="")]

    delivery = write_month(tmp_path, replace(month, rows=rows, file_format=FileFormat.PARQUET))

    first, second = pq.read_table(tmp_path / delivery.files[0]).to_pylist()
    assert first["line_item_usage_amount"] == 730.0
    assert second["line_item_usage_amount"] is None
    assert first["line_item_usage_start_date"] == datetime(2025, 1, 1)  # noqa: DTZ001 - AWS writes no zone
    tagged = [("user_team", "web")] if month is EXPORT else "web"
    assert first["resource_tags" if month is EXPORT else "resource_tags_user_team"] == tagged
