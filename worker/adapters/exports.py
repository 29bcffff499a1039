"""Published activities to a file for another tool, part by part, so that memory does not grow with the export."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from worker.adapters.iceberg_table import IcebergActivityTable
from worker.adapters.layout import digest_of
from worker.adapters.table_version import Selection
from worker.adapters.warehouse import disk_errors
from worker.domain.activity_json import activity_lines
from worker.domain.errors import BadRequestError
from worker.domain.schema import activity_schema

BATCH_ROWS = 50_000


Sink = Callable[[pl.DataFrame], object]
"""Takes the rows of one file in the making."""


def export(table: IcebergActivityTable, org_id: str | None, selection: Selection, out: Path, format_: str) -> int:
    """Write the selected activities to ``out`` as ``parquet``, ``csv`` or ``jsonl``; returns how many.

    The file is there when it is complete, and not before. CSV has the tags as JSON text, for it has no maps; JSON lines are
    OffGridFlow's own Activity.
    """
    if not out.absolute().parent.is_dir():
        raise BadRequestError(
            f"there is no folder {out.absolute().parent}", "NoSuchFolder", "make it, or write elsewhere"
        )
    rows = 0
    scratch = out.with_name(f".{out.name}.part")
    with disk_errors(str(out)):
        try:
            with SINKS[format_](scratch) as sink:
                for batch in _batches(table, org_id, selection):
                    sink(batch)
                    rows += batch.height
            scratch.replace(out)
        finally:
            scratch.unlink(missing_ok=True)
    return rows


def _batches(table: IcebergActivityTable, org_id: str | None, selection: Selection) -> Iterator[pl.DataFrame]:
    """With two columns more: when the row was published, and at which attempt its file was read."""
    for _, version in table.versions(org_id):
        parts = {digest_of(uri): uri for uri in version.data_files(selection)}
        for record in version.records(selection):
            published_at = pl.lit(f"{record.published_at:%Y-%m-%dT%H:%M:%SZ}").alias("published_at")
            for file in record.files:
                if file.digest in parts:
                    attempts = pl.lit(file.attempts).alias("attempts")
                    for batch in _part(table.warehouse.open(parts[file.digest])):
                        yield batch.with_columns(published_at, attempts)


def _part(opened: pa.NativeFile) -> Iterator[pl.DataFrame]:
    with opened, pq.ParquetFile(opened) as part:
        for batch in part.iter_batches(BATCH_ROWS):
            yield pl.DataFrame(batch)


@contextmanager
def _parquet(path: Path) -> Iterator[Sink]:
    schema = pl.DataFrame(schema=activity_schema()).to_arrow().schema
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        yield lambda rows: writer.write_table(rows.select(*activity_schema()).to_arrow().cast(schema))


@contextmanager
def _csv(path: Path) -> Iterator[Sink]:
    with path.open("wb") as file:
        header = pl.DataFrame(schema=dict.fromkeys(activity_schema(), pl.String))
        header.write_csv(file)
        yield lambda rows: _flat(rows).write_csv(file, include_header=False, datetime_format="%Y-%m-%dT%H:%M:%SZ")


def _flat(rows: pl.DataFrame) -> pl.DataFrame:
    tags = pl.struct(pl.col("tags")).struct.json_encode().str.strip_prefix('{"tags":').str.strip_suffix("}")
    text = pl.when(pl.col("tags").is_not_null()).then(tags).alias("tags")
    return rows.select(text if name == "tags" else pl.col(name) for name in activity_schema())


@contextmanager
def _jsonl(path: Path) -> Iterator[Sink]:
    with path.open("wb") as file:
        yield lambda rows: _lines(file, activity_lines(rows))


def _lines(file: BinaryIO, lines: pl.Series) -> None:
    file.writelines(line.encode() + b"\n" for line in lines)


SINKS: dict[str, Callable[[Path], AbstractContextManager[Sink]]] = {"parquet": _parquet, "csv": _csv, "jsonl": _jsonl}
