from __future__ import annotations

import csv
import gzip
import io
import json
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from worker.adapters.sample_carbon import COLUMNS, FIRST_COLUMNS, CarbonMonth, Footprint, sample_footprints
from worker.adapters.sample_files import FileFormat
from worker.adapters.sample_month import write_month

SAMPLE = sample_footprints("2026-01")
ROWS = [each.row for each in SAMPLE]


def test_the_same_seed_gives_the_same_estimates_and_another_model_others() -> None:
    assert sample_footprints("2026-01") == SAMPLE
    assert sample_footprints("2026-01", seed=8) != SAMPLE
    assert sample_footprints("2026-01", model_version="v3.1.0") != SAMPLE


def test_every_total_is_the_sum_of_its_scopes() -> None:
    def tonnes(footprint: Footprint, *names: str) -> Decimal:
        return sum((Decimal(repr(footprint.figures[f"TOTAL_{name}_CARBON_EMISSIONS"])) for name in names), Decimal(0))

    for each in SAMPLE:
        assert tonnes(each, "LBM") == tonnes(each, "SCOPE_1", "SCOPE_2_LBM", "SCOPE_3_LBM")
        assert tonnes(each, "MBM") == tonnes(each, "SCOPE_1", "SCOPE_2_MBM", "SCOPE_3_MBM")


@pytest.mark.parametrize("partition", ["model_version", "carbon_model_version"])
def test_an_export_lies_where_aws_puts_it(tmp_path: Path, partition: str) -> None:
    month = CarbonMonth("2026-01", ROWS, prefix="reports", overwrite=True, partition=partition)

    delivery = write_month(tmp_path, month)

    folders = f"{partition}=v3.0.0/usage_period=2026-01"
    assert delivery.files == (f"reports/carbon-emissions/data/{folders}/carbon-emissions-00001.csv.gz",)
    assert delivery.manifests == (f"reports/carbon-emissions/metadata/{folders}/carbon-emissions-Manifest.json",)
    manifest = json.loads((tmp_path / delivery.manifests[0]).read_text())
    assert manifest["dataFiles"] == [f"s3://sample-bucket/{delivery.files[0]}"]
    types = {column["name"]: column["type"] for column in manifest["columns"]}
    assert (types["total_lbm_emissions_value"], types["usage_period_start"]) == ("double", "timestamp")


def test_models_of_one_month_lie_beside_each_other(tmp_path: Path) -> None:
    models = ("v3.9.0", "v3.10.0")
    deliveries = [write_month(tmp_path, CarbonMonth("2026-01", ROWS, model_version=model)) for model in models]

    assert len({key for delivery in deliveries for key in (*delivery.files, *delivery.manifests)}) == 6


def test_csv_and_parquet_say_the_same(tmp_path: Path) -> None:
    packed, parquet = (
        tmp_path / write_month(tmp_path, CarbonMonth("2026-01", ROWS, file_format=file_format)).files[0]
        for file_format in (FileFormat.GZIP, FileFormat.PARQUET)
    )

    texts = list(csv.DictReader(io.StringIO(gzip.decompress(packed.read_bytes()).decode())))
    typed = pl.read_parquet(parquet)
    assert tuple(typed.columns) == tuple(texts[0]) == COLUMNS
    assert [float(row["total_lbm_emissions_value"]) for row in texts] == typed["total_lbm_emissions_value"].to_list()
    assert typed.schema["usage_period_start"] == pl.Datetime("ms")


def test_an_old_export_has_one_total_and_no_scopes(tmp_path: Path) -> None:
    delivery = write_month(tmp_path, CarbonMonth("2026-01", ROWS, columns=FIRST_COLUMNS))

    header = gzip.decompress((tmp_path / delivery.files[0]).read_bytes()).decode().partition("\n")[0]
    assert [name for name in header.split(",") if name.endswith("_value")] == ["total_mbm_emissions_value"]
