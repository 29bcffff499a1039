"""What is published, for whoever only reads: it needs no broker, and AWS only for a warehouse on S3; else it loads neither."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path

from worker.adapters.catalog import OrgTables, open_catalog
from worker.adapters.folder_warehouse import FolderWarehouse
from worker.adapters.iceberg_table import IcebergActivityTable
from worker.adapters.run_reports import WarehouseRunReports
from worker.adapters.spool import Spool
from worker.adapters.warehouse import Warehouse
from worker.domain.source import Location
from worker.settings import S3, settings


@cache
def warehouse() -> Warehouse:
    """Where parts and records are kept."""
    url = settings().warehouse_url
    if not url.startswith(S3):
        return FolderWarehouse(Path(url))
    from worker.adapters.s3_warehouse import S3Warehouse  # noqa: PLC0415  it loads botocore

    return S3Warehouse(Location.parse(url), settings().warehouse_endpoint_url, partial(spool().folder, 0))


def spool() -> Spool:
    """Where files are that come and go: report files, and parts on their way to a bucket."""
    return Spool(settings().spool_folder, settings().spool_limit)


@cache
def tables() -> OrgTables:
    """The table of each org, by the catalog."""
    return OrgTables(lambda: open_catalog(settings().catalog, warehouse().engines.iceberg), warehouse())


@cache
def reading_table() -> IcebergActivityTable:
    """The table for whoever only reads; it needs no broker."""
    return IcebergActivityTable(warehouse(), tables())


@cache
def run_reports() -> WarehouseRunReports:
    """The last report of every month."""
    return WarehouseRunReports(warehouse())
