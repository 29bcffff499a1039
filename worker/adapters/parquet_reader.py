"""Report files in Parquet: the legacy Athena variant and CUR 2.0, read in batches, as the text that CSV would have had.

Amounts arrive as doubles there; what they say is the shortest decimal that is the same double (0.1 is 0.1, not
0.1000000000000000055), so they are turned to text first, and the rules that follow are those of CSV.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from worker.adapters.report_columns import BATCH_ROWS, PRODUCT, bound_columns, with_product_name
from worker.adapters.unpacking import too_large
from worker.domain.columns import LINE_ITEMS, TAG_MAP, Binding, Wanted, bind
from worker.domain.errors import BadRequestError, TransientError

ISO = "%Y-%m-%dT%H:%M:%SZ"
"""Parquet's timestamps carry no zone; AWS means UTC. One that names a zone is converted."""

DAMAGE = (pa.ArrowException, OSError, UnicodeDecodeError)
"""What pyarrow raises over bytes that are no Parquet; the last for a column's name."""

PAGES_BYTES = 1 << 16
"""Read of a column at a time. Without it pyarrow holds a row group's columns whole, and one group may be all of a file."""

INDEX_BYTES = 4
"""A column of indices has no more of them for a row, its dictionary included."""

TEXTS = (pa.string(), pa.large_string())
MAP = pl.Map(pl.String, pl.String)
AGAIN = "ask AWS for the report again, or restore the object"


class ParquetReader:
    """Reads one spooled report file. ``about`` names it in errors; ``limit`` bounds the bytes that it says it unpacks to."""

    def __init__(self, path: Path, about: str, limit: int, wanted: Wanted = LINE_ITEMS) -> None:
        self._about = about
        self._path = path
        self.missing_fields = 0
        try:
            with pq.ParquetFile(path) as file:
                self._names: list[str] = file.schema_arrow.names
                groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
                texts = {field.name for field in file.schema_arrow if field.type in TEXTS} & _indexed(groups)
                self._promised = file.metadata.num_rows
        except DAMAGE as error:
            raise self._damaged(error) from error
        if sum(group.total_byte_size for group in groups) > limit:
            raise too_large(about, limit)
        self.binding: Binding = bind(self._names, about, wanted)
        self._repeating = {
            self._names[self.binding.positions[name]] for name in wanted.repeating if self.binding.has(name)
        }
        self._dictionaries = sorted(self._repeating & texts)

    def batches(self, on_batch: Callable[[pl.DataFrame], None]) -> int:
        """As `CsvReader.batches`; tags and product may come as maps."""
        wanted = sorted({*self.binding.positions.values(), *(tag.position for tag in self.binding.tags)})
        columns = [self._names[position] for position in wanted]
        first = 1
        with pq.ParquetFile(self._path, buffer_size=PAGES_BYTES, read_dictionary=self._dictionaries) as file:
            batches = _batches(file, columns)
            while (batch := self._next(batches)) is not None:
                on_batch(self._rows(batch, first))
                first += batch.num_rows
        if first - 1 != self._promised:
            raise self._damaged(ValueError(f"it promises {self._promised:,} rows and has {first - 1:,}"))
        return first - 1

    def _next(self, batches: Iterator[pa.RecordBatch]) -> pa.RecordBatch | None:
        try:
            batch = next(batches, None)
            if batch is not None:
                # Text is not looked at when it is read: what is no UTF-8 would reach the part, and make it unreadable.
                batch.validate(full=True)
        except DAMAGE as error:
            raise self._damaged(error) from error
        return batch

    def _rows(self, batch: pa.RecordBatch, first: int) -> pl.DataFrame:
        try:
            texts = pl.DataFrame(
                [self._text(name, array) for name, array in zip(batch.schema.names, batch.columns, strict=True)]
            )
            bound = texts.select_seq(bound_columns(self.binding, lambda position: pl.col(self._names[position])))
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise self._unreadable(_detail(error)) from error
        named = with_product_name(bound, self.binding)
        return named.with_row_index("source_row", first).with_columns(is_ragged=pl.lit(value=False))

    def _text(self, name: str, array: pa.Array[Any]) -> pl.Series:
        """A column as the text that CSV would have; only tags and product may be maps."""
        if isinstance(array, pa.DictionaryArray) and name in self._dictionaries:
            return _categorical(pl.Series(array.dictionary), pl.Series(name, array.indices))
        column = pl.Series(name, array)
        if column.dtype.is_nested() and not (column.dtype == MAP and self._names.index(name) in self._maps):
            raise self._unreadable(f"the column {name} is {column.dtype}")
        if column.dtype.is_nested() or isinstance(column.dtype, pl.String):
            return column
        if name not in self._repeating:
            return _as_text(column)
        distinct = column.unique()
        return _categorical(
            _as_text(distinct), column.replace_strict(distinct, pl.int_range(len(distinct), eager=True))
        )

    @property
    def _maps(self) -> set[int]:
        return {self.binding.positions[name] for name in (TAG_MAP, PRODUCT) if self.binding.has(name)}

    def _damaged(self, error: Exception) -> TransientError:
        return TransientError(f"{self._about} cannot be read as Parquet: {_detail(error)}", "damaged_file", AGAIN)

    def _unreadable(self, why: str) -> BadRequestError:
        """Sound Parquet, of types that no report has."""
        return BadRequestError(f"{self._about} has columns that cannot be read: {why}", "wrong_type", AGAIN)


def _batches(file: pq.ParquetFile, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Small row groups come together, but no more than a batch of them: pyarrow keeps all that it was asked for."""
    groups, rows = list[int](), 0
    for number in range(file.metadata.num_row_groups):
        height = file.metadata.row_group(number).num_rows
        if groups and rows + height > BATCH_ROWS:
            yield from _of_groups(file, groups, columns)
            groups, rows = [], 0
        groups.append(number)
        rows += height
    yield from _of_groups(file, groups, columns)


def _of_groups(file: pq.ParquetFile, groups: list[int], columns: list[str]) -> Iterable[pa.RecordBatch]:
    batches = file.iter_batches(BATCH_ROWS, row_groups=groups, columns=columns)
    if len(groups) <= 1:
        return batches
    found = list(batches)
    return pa.Table.from_batches(found).combine_chunks().to_batches() if found else []


def _indexed(groups: list[pq.RowGroupMetaData]) -> set[str]:
    """The columns that are stored as little more than indices into a dictionary, by their paths.

    One whose dictionary was given up would be read into a dictionary that grows with its row group.
    """
    sizes: dict[str, int] = {}
    for group in groups:
        for column in (group.column(number) for number in range(group.num_columns)):
            sizes[column.path_in_schema] = sizes.get(column.path_in_schema, 0) + column.total_uncompressed_size
    rows = sum(group.num_rows for group in groups)
    return {path for path, size in sizes.items() if size <= INDEX_BYTES * rows}


def _as_text(column: pl.Series) -> pl.Series:
    if isinstance(column.dtype, pl.Datetime):
        return (column.dt.convert_time_zone("UTC") if column.dtype.time_zone else column).dt.strftime(ISO)
    return column.cast(pl.String)


def _categorical(texts: pl.Series, places: pl.Series) -> pl.Series:
    """A column that has at each of its ``places`` one of the texts, with categories of its own."""
    return texts.cast(pl.Categorical(pl.Categories.random())).gather(places).alias(places.name)


def _detail(error: BaseException) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
