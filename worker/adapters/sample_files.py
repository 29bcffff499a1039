"""Sample report files. Equal rows give equal bytes: no clock and no file name goes into them."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from worker.adapters.sample_columns import Cells

DOUBLES = ("_amount", "_cost", "_rate", "_value")
TIMESTAMPS = ("_date", "_timestamp", "_period_start", "_period_end")
"""How the columns end that AWS types so in an export."""


class FileFormat(StrEnum):
    """How a report file is packed; the value is what a legacy manifest's ``compression`` says. AWS never delivers CSV bare."""

    CSV = "NONE"
    GZIP = "GZIP"
    ZIP = "ZIP"
    PARQUET = "Parquet"

    @property
    def suffix(self) -> str:
        """How the names of such files end."""
        endings = {
            FileFormat.CSV: ".csv",
            FileFormat.GZIP: ".csv.gz",
            FileFormat.ZIP: ".csv.zip",
            FileFormat.PARQUET: ".snappy.parquet",
        }
        return endings[self]


def write_report_file(path: Path, file_format: FileFormat, header: Sequence[str], rows: Iterable[Cells]) -> None:
    """Write one report file: the header and the cells below it, all given as text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if file_format is FileFormat.PARQUET:
        pq.write_table(_table(header, rows), path)
        return
    with _packed(path, file_format) as packed, io.TextIOWrapper(packed, "utf-8", newline="") as text:
        lines = csv.writer(text, lineterminator="\n")
        lines.writerow(header)
        lines.writerows(rows)


@contextmanager
def _packed(path: Path, file_format: FileFormat) -> Iterator[BinaryIO]:
    match file_format:
        case FileFormat.GZIP:
            # Level 1: writing the sample must not be what a demo waits for.
            with path.open("wb") as raw, gzip.GzipFile("", "wb", 1, raw, mtime=0) as packed:
                yield cast("BinaryIO", packed)
        case FileFormat.ZIP:
            inner = zipfile.ZipInfo(path.stem)
            inner.compress_type = zipfile.ZIP_DEFLATED
            with zipfile.ZipFile(path, "w") as archive, archive.open(inner, "w") as member:
                yield cast("BinaryIO", member)
        case _:
            with path.open("wb") as raw:
                yield raw


def _table(header: Sequence[str], rows: Iterable[Cells]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(header)
    return pa.table({name: _array(name, cells) for name, cells in zip(header, columns, strict=True)})


def _array(name: str, cells: Cells) -> pa.Array[Any]:
    """The cells as AWS types them in Parquet: doubles, timestamps without a zone, maps; the rest is text."""
    if name.endswith(DOUBLES):
        return pa.array([float(cell) if cell else None for cell in cells], pa.float64())
    if name.endswith(TIMESTAMPS):
        return pa.array([cell.removesuffix("Z") if cell else None for cell in cells]).cast(pa.timestamp("ms"))
    if name in {"product", "resource_tags"}:
        maps = [list(json.loads(cell or "{}").items()) for cell in cells]
        return pa.array(maps, pa.map_(pa.string(), pa.string()))
    return pa.array(cells, pa.string())
