"""Published parts, read again for what they add up to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from worker.adapters.warehouse import disk_errors, path_of
from worker.domain.errors import FatalError, NotFoundError
from worker.domain.restatement import totals
from worker.domain.schema import activity_schema


class WarehousePartTotals:
    """`worker.ports.PublishedParts` on a folder. It reads five columns and two sums of each, in a stream."""

    def totals(self, parts: Iterable[str]) -> pl.DataFrame:
        """`worker.domain.restatement.totals` of the activities of these parts, by URI. NotFoundError when one is gone."""
        paths = [path_of(uri) for uri in parts]
        if not paths:
            return totals(pl.LazyFrame(schema=activity_schema())).collect()
        for path in paths:
            if not Path(path).exists():
                raise NotFoundError(f"{path} is not in the warehouse", "ENOENT", "restore it from a backup")
        with disk_errors("a part"):
            try:
                rows = pl.scan_parquet(paths, schema=activity_schema(), glob=False, hive_partitioning=False)
                return totals(rows).collect(engine="streaming")
            except pl.exceptions.ComputeError as error:
                raise FatalError(f"a part cannot be read: {error}", "unreadable", "restore it from a backup") from error
