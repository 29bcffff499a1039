"""Comma separated values, plain or gzip, in UTF-8, read in batches by polars.

The file is counted through first (`csv_census`), which also proves that it is whole. The header is read and bound by name;
the rows are then scanned by position, with one more column than the header has, so that a row with too many fields shows
itself.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import polars as pl

from worker.adapters.csv_census import take_census, unpacked
from worker.adapters.report_columns import BATCH_ROWS, bound_columns, with_product_name
from worker.domain.columns import REQUIRED, bind
from worker.domain.errors import BadRequestError, FatalError

BATCH_FIELDS = 4_000_000
"""A batch of a report with thousands of tag columns has fewer rows: polars holds all fields of the rows it parses."""

HEADER_BYTES = 16_000_000
"""A line that is longer is no header: a hundred thousand tags of the longest names take no more."""

AGAIN = "ask AWS for the report again, or restore the object"


class CsvReader:
    """Reads one file. ``about`` names it in errors; ``limit`` bounds the bytes that it unpacks to.

    ``missing_fields`` says by how many fields its rows fall short of the header; what follows a missing field in such a row
    stands one column too far left.
    """

    def __init__(self, path: Path, about: str, limit: int) -> None:
        self._path = path
        self._about = about
        census = take_census(path, about, limit)
        self.binding = bind(self._header(), about)
        self.missing_fields = max(0, census.missing_fields(self.binding.width))
        self._rows = census.rows - 1

    def batches(self, on_batch: Callable[[pl.DataFrame], None], first: int = 1) -> int:
        """Call ``on_batch`` with every batch, in file order; returns the number of rows.

        A batch has every column that line items are read from, as text (null where the report lacks it), ``source_row``
        (counted from ``first``), ``is_ragged``, and the tags as ``tag:<key>`` columns or as the one map column they came in.
        """
        rows = 0
        failures: list[BaseException] = []

        def guarded(batch: pl.DataFrame) -> bool:
            nonlocal rows
            rows += batch.height
            try:
                on_batch(with_product_name(batch, self.binding))
            except BaseException as error:  # noqa: BLE001 (carried through polars' threads, and raised below)
                failures.append(error)
            return bool(failures)

        size = max(1, min(BATCH_ROWS, BATCH_FIELDS // self.binding.width))
        try:
            self._scan(first).sink_batches(guarded, chunk_size=size, maintain_order=True, engine="streaming")
        except (pl.exceptions.PolarsError, OSError) as error:
            if not failures:
                raise self._malformed(error) from error
        if failures:
            raise failures[0]
        if rows != self._rows:
            raise self._malformed(ValueError(f"it has {self._rows:,} rows, {rows:,} of them could be read"))
        return rows

    def _scan(self, first: int) -> pl.LazyFrame:
        schema = {f"c{position}": pl.String for position in range(self.binding.width)} | {"extra": pl.String}
        rows = pl.scan_csv(
            self._path,
            schema=schema,
            has_header=False,
            skip_rows=1,
            missing_columns="insert",
            extra_columns="ignore",  # those beyond the one more: the row is known to be ragged by then
            row_index_name="source_row",
            row_index_offset=first,
            glob=False,
        )
        required = [pl.col(f"c{self.binding.positions[name]}") for name in REQUIRED]
        ragged = pl.col("extra").is_not_null() | pl.all_horizontal(each.is_null() for each in required)
        columns = bound_columns(self.binding, lambda position: pl.col(f"c{position}"))
        return rows.select("source_row", ragged.alias("is_ragged"), *columns)

    def _header(self) -> list[str]:
        with unpacked(self._path, self._about) as stream:
            try:
                lines = list(csv.reader(io.StringIO(_header_text(stream), newline="\n")))
            except (UnicodeDecodeError, csv.Error) as error:
                raise self._bad_header() from error
        if len(lines) > 1:
            raise self._bad_header()
        header = lines[0] if lines else []
        if not header:
            raise BadRequestError(f"{self._about} is empty: it has no header", "empty_file", AGAIN)
        if header[0].lstrip().startswith("<"):
            message = f"{self._about} is not a report: it begins with {header[0][:40]!r}"
            raise BadRequestError(message, "not_a_report", AGAIN)
        return header

    def _bad_header(self) -> BadRequestError:
        return BadRequestError(f"the header of {self._about} cannot be read", "bad_header", AGAIN)

    def _malformed(self, error: Exception) -> FatalError:
        """The bytes are as AWS wrote them: reading them again would not help."""
        detail = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        message = f"{self._about} is no well-formed CSV in UTF-8: {detail}"
        return FatalError(message, "malformed_csv", AGAIN)


def _header_text(stream: BinaryIO) -> str:
    """The header, ended where polars ends it: at a line feed outside of quotes, and at nothing else. Else rows would go with it."""
    text, quotes = bytearray(), 0
    while (quotes % 2 or not text) and (line := stream.readline(HEADER_BYTES - len(text))):
        text += line
        quotes += line.count(b'"')
    if len(text) == HEADER_BYTES:
        message = "the line is too long"
        raise csv.Error(message)
    return text.decode("utf-8-sig")
