"""Small CSV reports, and reading them whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from tests.fakes.frames import joined
from worker.adapters.csv_reader import CsvReader
from worker.adapters.unpacking import file_chunks
from worker.domain.columns import REQUIRED
from worker.domain.errors import IngestError

ABOUT = "cur/a.csv"
HEADER = ",".join((*REQUIRED, "identity_line_item_id"))
ROW = "2024-01-01T00:00:00Z,2024-01-01T01:00:00Z,111122223333,AmazonEC2,BoxUsage,Usage,{amount},{id}"
NO_LIMIT = 1_000_000_000


def row(name: str, amount: str = "1") -> str:
    return ROW.format(id=name, amount=amount)


def body(*lines: str, header: str = HEADER, end: str = "\n") -> bytes:
    return "".join(f"{line}{end}" for line in (header, *lines)).encode()


def opened(folder: Path, content: bytes) -> CsvReader:
    path = folder / "report"
    path.write_bytes(content)
    return CsvReader(file_chunks(path, ABOUT, NO_LIMIT), ABOUT)


def read(folder: Path, content: bytes) -> pl.DataFrame:
    """All rows of a file."""
    batches: list[pl.DataFrame] = []
    count = opened(folder, content).batches(batches.append)
    rows = joined(batches) if batches else pl.DataFrame()
    assert count == rows.height
    return rows


def ids(rows: pl.DataFrame) -> list[str | None]:
    return rows["identity_line_item_id"].to_list()


def error_of(call: Callable[[], object]) -> IngestError:
    with pytest.raises(IngestError) as caught:
        call()
    return caught.value
