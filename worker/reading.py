"""What is published, for whoever only reads: it needs neither a broker nor AWS, and loads neither."""

from __future__ import annotations

from functools import cache

from worker.adapters.catalog import OrgTables, open_catalog
from worker.adapters.iceberg_table import IcebergActivityTable
from worker.adapters.run_reports import WarehouseRunReports
from worker.adapters.warehouse import Warehouse
from worker.settings import settings


@cache
def warehouse() -> Warehouse:
    """Where parts and records are kept."""
    return Warehouse(settings().warehouse_folder)


@cache
def tables() -> OrgTables:
    """The table of each org, by the catalog."""
    return OrgTables(open_catalog(settings().catalog), warehouse())


@cache
def reading_table() -> IcebergActivityTable:
    """The table for whoever only reads; it needs no broker."""
    return IcebergActivityTable(warehouse(), tables())


@cache
def run_reports() -> WarehouseRunReports:
    """The last report of every month."""
    return WarehouseRunReports(warehouse())
