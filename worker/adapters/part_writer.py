"""Writes one file's activities and rejections, and proves what it wrote before anyone can see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import polars as pl
import pyarrow as pa

from worker.adapters import codec
from worker.adapters.part_columns import PartColumns, parquet_options
from worker.adapters.row_groups import RowGroups
from worker.adapters.warehouse import Staged, disk_errors
from worker.domain.balance import EXACT, Tally
from worker.domain.errors import FatalError
from worker.domain.outcome import FileOutcome
from worker.domain.schema import AMOUNT_SCALE

OUTCOME = "offgridflow.outcome"
"""The key under which a part's footer holds the outcome of its file."""


class ParquetPartWriter:
    """Writes into scratch files; only `finish` puts them in their places, the rejections first: a part proves both."""

    def __init__(
        self, columns: PartColumns, part: Staged, rejections: Staged, placed: Callable[[], FileOutcome]
    ) -> None:
        self._columns = columns
        self._part = part
        self._rejections = rejections
        self._placed = placed
        self._activity_rows = RowGroups[pa.Table](part.path, columns.table, **parquet_options())
        self._rejection_rows = RowGroups[pa.Table](rejections.path, pa.concat_tables)

    def write(self, activities: pl.DataFrame) -> None:
        """Take those of one batch, of which there may be none."""
        if not activities.is_empty():
            self._activity_rows.add(self._columns.batch(activities), activities.height)

    def reject(self, rejections: pl.DataFrame) -> None:
        """Take those of one batch, of which there may be none."""
        if not rejections.is_empty():
            self._rejection_rows.add(self._columns.rejections(rejections), rejections.height)

    def finish(self, outcome: FileOutcome) -> FileOutcome:
        """Put what was written in its place; returns the outcome that the part's footer holds, also when another was first.

        FatalError when the part, read back, is not the outcome's activities: then nothing is put anywhere.
        """
        if self._rejection_rows.finish():
            outcome = replace(outcome, rejections=self._rejections.uri)
        whole = replace(outcome, part=self._part.uri)
        has_part = self._activity_rows.finish({OUTCOME: codec.dump(whole).decode()})
        _check(_read_back(self._part.path) if has_part else Tally(), outcome)
        if outcome.rejections:
            self._rejections.place()
        if not has_part:
            return outcome
        self._part.place()
        return self._placed()

    def close(self) -> None:
        """Let go of the scratch files."""
        self._activity_rows.close()
        self._rejection_rows.close()


def _check(written: Tally, outcome: FileOutcome) -> None:
    expected = outcome.balance.activities
    for name in ("rows", "usage", "cost"):
        went_in, came_out = getattr(expected, name), getattr(written, name)
        if went_in != came_out:
            message = f"{outcome.key}: the part that was written has {name} {came_out}, not {went_in}; it was discarded"
            raise FatalError(message, "unbalanced", "report this with the file: it is a defect of the converter")


def _read_back(path: str) -> Tally:
    """The rows of a part and the exact sums of their amounts, from the file itself."""
    with disk_errors(path):
        part = pl.scan_parquet(path, glob=False)
        found = part.select(pl.len(), *_halves("quantity"), *_halves("cost")).collect(engine="streaming").row(0)
    rows, *halves = found
    return Tally(rows, _whole(*halves[:2]), _whole(*halves[2:]))


def _halves(name: str) -> tuple[pl.Expr, pl.Expr]:
    """The sums of a column's integers and of its fractions: the sum of the amounts themselves may need more than 38 digits."""
    unscaled, one = pl.col(name).to_physical(), pl.lit(10**AMOUNT_SCALE, pl.Int128)
    integers = unscaled // one
    return integers.sum().name.suffix("_integers"), (unscaled - integers * one).sum().name.suffix("_fractions")


def _whole(integers: int, fractions: int) -> Decimal:
    return EXACT.add(Decimal(integers), Decimal(fractions).scaleb(-AMOUNT_SCALE, EXACT))
