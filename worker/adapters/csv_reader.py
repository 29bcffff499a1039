"""Comma separated values in UTF-8, read block by block by polars.

The blocks are whole rows, and counted (`csv_census`). The header is read and bound by name; the rows are then scanned by
position, with one more column than the header has, so that a row with too many fields shows itself.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

import polars as pl

from worker.adapters.csv_census import Block, Census
from worker.adapters.report_columns import bound_columns, with_product_name
from worker.domain.columns import LINE_ITEMS, Wanted, bind
from worker.domain.errors import BadRequestError, FatalError

HEADER_BYTES = 16_000_000
"""A line that is longer is no header: a hundred thousand tags of the longest names take no more."""

AGAIN = "ask AWS for the report again, or restore the object"


class CsvReader:
    """Reads one file, once, from its ``chunks``. ``about`` names it in errors."""

    def __init__(self, chunks: Iterable[bytes], about: str, wanted: Wanted = LINE_ITEMS) -> None:
        self._about = about
        self._census = Census()
        self._blocks = self._census.blocks(chunks, about)
        self._seen = [next(self._blocks, Block(b"", 0))]
        self.binding = bind(self._header(self._seen[0].body), about, wanted)

    @property
    def missing_fields(self) -> int:
        """By how many fields the rows read so far fall short of the header; what follows a missing field stands one column too far left."""
        return max(0, self._census.missing_fields(self.binding.width))

    def batches(self, on_batch: Callable[[pl.DataFrame], None], first: int = 1) -> int:
        """Call ``on_batch`` with every batch, in file order; returns the number of rows.

        A batch has every column that line items are read from, as text (null where the report lacks it), ``source_row``
        (counted from ``first``), ``is_ragged``, and the tags as ``tag:<key>`` columns or as the one map column they came in.
        """
        next_row = first
        for block in self._unread():
            rows = block.rows
            if rows:
                on_batch(self._rows(block, next_row))
            next_row += rows
            del block  # before the next one is put together
        return next_row - first

    def _unread(self) -> Iterator[Block]:
        while self._seen:
            yield self._seen.pop()
        yield from self._blocks

    def _rows(self, block: Block, first: int) -> pl.DataFrame:
        try:
            # In one piece: what polars parses bit by bit it would put together again for each rule.
            rows = self._scan(block.body, first).collect().rechunk().with_columns_seq(self._repeating())
        except pl.exceptions.PolarsError as error:
            raise self._malformed(error) from error
        if rows.height != block.rows:
            raise self._malformed(ValueError(f"of {block.rows:,} rows, {rows.height:,} could be read"))
        return with_product_name(rows, self.binding)

    def _scan(self, block: bytes, first: int) -> pl.LazyFrame:
        rows = pl.scan_csv(
            block,
            schema={**{f"c{position}": pl.String for position in range(self.binding.width)}, "extra": pl.String},
            has_header=False,
            skip_rows=1,
            missing_columns="insert",
            extra_columns="ignore",  # those beyond the one more: the row is known to be ragged by then
            row_index_name="source_row",
            row_index_offset=first,
        )
        required = [pl.col(f"c{self.binding.positions[name]}") for name in self.binding.wanted.required]
        ragged = pl.col("extra").is_not_null() | pl.all_horizontal(each.is_null() for each in required)
        columns = bound_columns(self.binding, lambda position: pl.col(f"c{position}"))
        return rows.select("source_row", ragged.alias("is_ragged"), *columns)

    def _repeating(self) -> list[pl.Expr]:
        """What repeats as dictionaries. Only now: parsed straight into one, text whose quotes are wrong is cut, and not refused."""
        names = self.binding.wanted.repeating & self.binding.positions.keys()
        return [pl.col(name).cast(pl.Categorical(pl.Categories.random())) for name in names]

    def _header(self, start: bytes) -> list[str]:
        try:
            lines = list(csv.reader(io.StringIO(_header_text(io.BytesIO(start)), newline="\n")))
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
        """The bytes are as AWS wrote them: fetching them again would not help. The rest is read first, to be sure of that."""
        for _ in self._blocks:
            pass
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
