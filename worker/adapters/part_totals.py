"""Published parts, read again for what they add up to."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from worker.adapters.activity_scan import scan_parts
from worker.adapters.warehouse import Warehouse, disk_errors
from worker.domain.errors import FatalError
from worker.domain.restatement import totals


class WarehousePartTotals:
    """`worker.ports.parts.PublishedParts` in the warehouse. It reads five columns and two sums of each, in a stream."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def totals(self, parts: Iterable[str]) -> pl.DataFrame:
        """`worker.domain.restatement.totals` of the activities of these parts, by URI. NotFoundError when one is gone."""
        with disk_errors("a part"):
            try:
                return totals(scan_parts(tuple(parts), self._warehouse)).collect(engine="streaming")
            except pl.exceptions.ComputeError as error:
                raise FatalError(f"a part cannot be read: {error}", "unreadable", "restore it from a backup") from error
