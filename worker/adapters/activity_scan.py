"""The published activities as a polars frame."""

from __future__ import annotations

import polars as pl

from worker.adapters.iceberg_table import IcebergActivityTable
from worker.adapters.table_version import Selection
from worker.adapters.warehouse import path_of
from worker.domain.schema import activity_schema


def scan(
    table: IcebergActivityTable, org_id: str | None = None, source_name: str | None = None, period: str | None = None
) -> pl.LazyFrame:
    """The activities that are published now, of one org, source name or month (``YYYY-MM``), or of all; with exact types.

    Nothing is read yet. What is published later is not in the frame; a part that `vacuum` deletes meanwhile cannot be read.
    """
    selection = Selection(source_name=source_name, billing_period=period)
    parts = sorted(uri for _, version in table.versions(org_id) for uri in version.data_files(selection))
    if not parts:
        return pl.LazyFrame(schema=activity_schema())
    paths = [path_of(uri) for uri in parts]
    return pl.scan_parquet(paths, schema=activity_schema(), glob=False, hive_partitioning=False)
