"""Report files of comma separated values, plain or gzip, read in batches by polars.

The header is read and bound first, by name; the rows are then scanned by position, with one more column than the header has,
so that a row with too many fields shows itself. polars checks the gzip trailer (CRC and length) of every member; that the
file is whole as delivered was checked when it was fetched.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import polars as pl

from worker.domain.columns import OPTIONAL, REQUIRED, TAG_MAP, Binding, bind
from worker.domain.errors import BadRequestError, FatalError, TransientError
from worker.domain.schema import TAG_PREFIX

BATCH_ROWS = 16_384
"""Measured: memory falls with it down to here, speed does not rise above it."""

GZIP_MAGIC = b"\x1f\x8b"
UTF8_NAMES = {"utf-8", "utf8", "us-ascii", "ascii"}
REFETCH = "ask AWS for the report again, or restore the object"


class CsvReader:
    """Reads one spooled report file. ``about`` names it in errors; ``charset`` is what the manifest declares."""

    def __init__(self, path: Path, about: str, charset: str = "UTF-8") -> None:
        self._path = path
        self._about = about
        if charset.lower() not in UTF8_NAMES:
            message = f"{about} is declared to be in {charset}, which is not read yet"
            raise BadRequestError(message, "charset", "choose UTF-8, as AWS's own reports do")
        self.binding = bind(self._header(), about)

    def batches(self, on_batch: Callable[[pl.DataFrame], None]) -> None:
        """Call ``on_batch`` with every batch, in file order.

        A batch has every column that line items are read from, as text (null where the report lacks it), ``source_row``
        (from 1), ``has_extra_fields``, and the tags as ``tag:<key>`` columns or as the one map column they came in.
        """
        failures: list[BaseException] = []

        def guarded(batch: pl.DataFrame) -> bool:
            try:
                on_batch(batch)
            except BaseException as error:  # noqa: BLE001 (carried through polars' threads, and raised below)
                failures.append(error)
            return bool(failures)

        try:
            self._scan().sink_batches(guarded, chunk_size=BATCH_ROWS, maintain_order=True, engine="streaming")
        except (pl.exceptions.PolarsError, OSError) as error:
            if not failures:
                raise self._unreadable(error) from error
        if failures:
            raise failures[0]

    def _scan(self) -> pl.LazyFrame:
        binding = self.binding
        schema = {f"c{position}": pl.String for position in range(binding.width)} | {"extra": pl.String}
        rows = pl.scan_csv(
            self._path,
            schema=schema,
            has_header=False,
            skip_rows=1,
            missing_columns="insert",
            row_index_name="source_row",
            row_index_offset=1,
        )
        return rows.select("source_row", pl.col("extra").is_not_null().alias("has_extra_fields"), *_columns(binding))

    def _header(self) -> list[str]:
        with self._path.open("rb") as stored:
            packed = stored.read(2) == GZIP_MAGIC
            stored.seek(0)
            try:
                return self._first_row(gzip.GzipFile(fileobj=stored) if packed else stored)
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise self._unreadable(error) from error
            except UnicodeDecodeError as error:
                raise BadRequestError(f"the header of {self._about} is not UTF-8", "charset", REFETCH) from error

    def _first_row(self, stream: BinaryIO | gzip.GzipFile) -> list[str]:
        text = io.TextIOWrapper(stream, codecs.lookup("utf-8-sig").name, newline="")
        header = next(csv.reader(text), [])
        if not header:
            raise BadRequestError(f"{self._about} is empty: it has no header", "empty_file", REFETCH)
        if header[0].lstrip().startswith("<"):
            message = f"{self._about} is not a report: it begins with {header[0][:40]!r}"
            raise BadRequestError(message, "not_a_report", REFETCH)
        return header

    def _unreadable(self, error: BaseException) -> TransientError | FatalError:
        """A damaged file may be a damaged copy, so it is fetched again; bad quoting stays bad."""
        detail = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        message = f"{self._about} cannot be read to its end: {detail}"
        if isinstance(error, pl.exceptions.PolarsError):
            return FatalError(message, "malformed_csv", REFETCH)
        return TransientError(message, "damaged_file", REFETCH)


def _columns(binding: Binding) -> list[pl.Expr]:
    named = [
        pl.col(f"c{binding.positions[name]}").alias(name) if binding.has(name) else pl.lit(None, pl.String).alias(name)
        for name in (*REQUIRED, *OPTIONAL)
    ]
    return named + _tag_columns(binding)


def _tag_columns(binding: Binding) -> list[pl.Expr]:
    """Tags that differ only in what normalisation drops share a key; the first that says something wins, as at AWS."""
    if binding.has(TAG_MAP):
        return [pl.col(f"c{binding.positions[TAG_MAP]}").alias(TAG_MAP)]
    columns: dict[str, list[pl.Expr]] = {}
    for tag in binding.tags:
        column = pl.col(f"c{tag.position}")
        columns.setdefault(tag.key, []).append(pl.when(column != "").then(column))
    return [pl.coalesce(*same).alias(TAG_PREFIX + key) for key, same in columns.items()]
