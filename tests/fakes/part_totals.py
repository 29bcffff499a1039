"""Published parts in memory, to be added up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import polars as pl

from worker.domain.errors import NotFoundError
from worker.domain.restatement import totals
from worker.domain.schema import activity_schema


@dataclass(slots=True)
class FakePartTotals:
    """`worker.ports.parts.PublishedParts` on frames by URI. ``read`` are the URIs that were asked for."""

    activities: dict[str, pl.DataFrame] = field(default_factory=dict)
    read: list[str] = field(default_factory=list)

    def totals(self, parts: Iterable[str]) -> pl.DataFrame:
        asked = tuple(parts)
        self.read += asked
        if gone := [uri for uri in asked if uri not in self.activities]:
            raise NotFoundError(f"{gone[0]} is not in the warehouse")
        empty = pl.LazyFrame(schema=activity_schema())
        return totals(pl.concat([empty, *(self.activities[uri].lazy() for uri in asked)], how="diagonal")).collect()
