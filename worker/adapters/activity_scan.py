"""The published activities as a polars frame."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from worker.adapters.iceberg_table import IcebergActivityTable
from worker.adapters.table_version import EVERYTHING, Selection
from worker.adapters.warehouse import Warehouse, path_of
from worker.domain.schema import activity_schema


def scan(table: IcebergActivityTable, org_id: str | None = None, selection: Selection = EVERYTHING) -> pl.LazyFrame:
    """The activities that are published now, of every org or of one, with exact types. Nothing is read yet.

    What is published later is not in the frame, and what is replaced later still is, as long as its parts are kept.
    """
    parts = sorted(uri for _, version in table.versions(org_id) for uri in version.data_files(selection))
    return scan_parts(parts, table.warehouse)


def scan_parts(parts: Sequence[str], warehouse: Warehouse) -> pl.LazyFrame:
    """The activities of these parts, by URI. Nothing is read yet."""
    if not parts:
        return pl.LazyFrame(schema=activity_schema())
    paths, access = [path_of(uri) for uri in parts], dict(warehouse.engines.polars)
    # A folder's name may look like a pattern, or like a column and its value: here it is neither.
    return pl.scan_parquet(
        paths, schema=activity_schema(), glob=False, hive_partitioning=False, storage_options=access or None
    )
