"""Report files in Parquet: the legacy Athena variant and CUR 2.0, read in batches, as the text that CSV would have had.

Amounts arrive as doubles there; what they say is the shortest decimal that is the same double (0.1 is 0.1, not
0.1000000000000000055), so they are turned to text first, and the rules that follow are those of CSV.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from worker.adapters.report_columns import BATCH_ROWS, bound_columns, with_product_name
from worker.domain.columns import Binding, bind
from worker.domain.errors import TransientError

ISO = "%Y-%m-%dT%H:%M:%SZ"
"""Parquet's timestamps carry no zone; AWS means UTC."""


class ParquetReader:
    """Reads one spooled report file. ``about`` names it in errors."""

    def __init__(self, path: Path, about: str) -> None:
        self._about = about
        self._path = path
        self.missing_fields = 0
        try:
            with pq.ParquetFile(path) as file:
                self._names: list[str] = file.schema_arrow.names
        except (pa.ArrowException, OSError) as error:
            raise self._damaged(error) from error
        self.binding: Binding = bind(self._names, about)

    def batches(self, on_batch: Callable[[pl.DataFrame], None]) -> int:
        """As `CsvReader.batches`; tags and product may come as maps."""
        wanted = sorted({*self.binding.positions.values(), *(tag.position for tag in self.binding.tags)})
        columns = [self._names[position] for position in wanted]
        first = 1
        with pq.ParquetFile(self._path) as file:
            batches = file.iter_batches(BATCH_ROWS, columns=columns)
            while (batch := self._next(batches)) is not None:
                on_batch(self._rows(batch, first))
                first += batch.num_rows
        return first - 1

    def _next(self, batches: Iterator[pa.RecordBatch]) -> pa.RecordBatch | None:
        try:
            return next(batches, None)
        except (pa.ArrowException, OSError) as error:
            raise self._damaged(error) from error

    def _rows(self, batch: pa.RecordBatch, first: int) -> pl.DataFrame:
        rows = pl.DataFrame(batch)
        texts = rows.select(_text(name, kind) for name, kind in rows.schema.items())
        bound = texts.select(bound_columns(self.binding, lambda position: pl.col(self._names[position])))
        named = with_product_name(bound, self.binding)
        return named.with_row_index("source_row", first).with_columns(is_ragged=pl.lit(value=False))

    def _damaged(self, error: Exception) -> TransientError:
        detail = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        return TransientError(
            f"{self._about} cannot be read as Parquet: {detail}",
            "damaged_file",
            "ask AWS for the report again, or restore the object",
        )


def _text(name: str, kind: pl.DataType) -> pl.Expr:
    if isinstance(kind, pl.Datetime):
        return pl.col(name).dt.strftime(ISO)
    if isinstance(kind, pl.String | pl.Map):
        return pl.col(name)
    return pl.col(name).cast(pl.String)
