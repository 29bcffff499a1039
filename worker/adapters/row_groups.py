"""A Parquet file that is written batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Generic, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from worker.adapters.warehouse import disk_errors

ROW_GROUP = 65_536
"""Rows. With twice as many, a worker's memory grows by a fifth."""

B = TypeVar("B")


class RowGroups(Generic[B]):
    """Collects batches, and writes them as row groups of at most 65,536 rows: memory does not grow with the file.

    ``encode`` makes one table of the batches of a row group, always with the same column types. Nothing is written, not
    even an empty file, before there are rows. ``options`` are those of Parquet's writer.
    """

    def __init__(self, path: str, encode: Callable[[list[B]], pa.Table], **options: Any) -> None:
        self._path = path
        self._encode = encode
        self._options = options
        self._pending: list[B] = []
        self._pending_rows = 0
        self._sink: pa.NativeFile | None = None
        self._writer: pq.ParquetWriter | None = None

    def add(self, batch: B, rows: int) -> None:
        """Take a batch of so many rows."""
        if rows == 0:
            return
        if self._pending_rows + rows > ROW_GROUP:
            self._flush()
        self._pending.append(batch)
        self._pending_rows += rows

    def finish(self, metadata: Mapping[str, str] | None = None) -> bool:
        """End the file, with ``metadata`` in its footer; False when there were no rows, and so there is no file."""
        self._flush()
        if self._writer is None or self._sink is None:
            return False
        with disk_errors(self._path):
            self._writer.add_key_value_metadata(dict(metadata or {}))
            self._writer.close()
            self._sink.close()
        return True

    def close(self) -> None:
        """Let go of the file, finished or not."""
        with suppress(OSError):
            # An unfinished file gets a footer, which a full disk refuses: nobody will read it.
            if self._writer is not None:
                self._writer.close()
        if self._sink is not None:
            self._sink.close()

    def _flush(self) -> None:
        if not self._pending:
            return
        table = self._encode(self._pending)
        self._pending, self._pending_rows = [], 0
        with disk_errors(self._path):
            if self._writer is None:
                self._sink = pa.OSFile(self._path, "wb")
                self._writer = pq.ParquetWriter(
                    self._sink,
                    table.schema,
                    compression="zstd",
                    compression_level=1,
                    # Readers are to see text, not the dictionaries that we happened to write it from.
                    store_schema=False,
                    **self._options,
                )
            self._writer.write_table(table, row_group_size=ROW_GROUP)
