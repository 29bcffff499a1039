"""The files of one benchmark, written below a folder once: the next run finds them there."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from bench import months
from worker.adapters.sample_columns import COLUMNS
from worker.adapters.sample_month import Month, write_month
from worker.domain.billing_period import BillingPeriod

FILES = 8
TINY_FILES, TINY_ROWS = 200, 200
MONTHS = 36
LAST_MONTH = BillingPeriod(2024, 12)


@dataclass(frozen=True, slots=True)
class Report:
    """One report file."""

    path: Path
    rows: int
    shape: str


def legacy(folder: Path, rows: int) -> Report:
    """A legacy report of 172 columns, in gzip."""
    path = _once(folder / f"legacy-{rows}.csv.gz", lambda to: months.write_csv(to, months.legacy, rows))
    return Report(path, rows, "legacy report, csv.gz")


def export(folder: Path, rows: int) -> Report:
    """The same rows as a CUR 2.0 export, in gzip."""
    path = _once(folder / f"export-{rows}.csv.gz", lambda to: months.write_csv(to, months.export, rows))
    return Report(path, rows, "CUR 2.0, csv.gz")


def parquet(folder: Path, rows: int) -> Report:
    """The same rows as a CUR 2.0 export, in Parquet."""
    path = _once(folder / f"export-{rows}.parquet", lambda to: months.write_parquet(to, rows))
    return Report(path, rows, "CUR 2.0, Parquet")


def month(folder: Path, files: int, rows: int) -> Path:
    """A delivery: so many legacy report files with so many rows each, and their manifest."""
    return _once(folder / f"month-{files}x{rows}", lambda to: _deliver(to, files, rows))


def history(folder: Path, months: int) -> Path:
    """A source of so many months, up to December 2024, each a file with a header and no rows."""
    return _once(folder / f"history-{months}", lambda to: _deliver_each(to, months))


def _deliver_each(folder: Path, months: int) -> None:
    period = LAST_MONTH
    for _ in range(months):
        write_month(folder, Month(str(period), columns=COLUMNS))
        period = period.previous()


def _deliver(folder: Path, files: int, rows: int) -> None:
    empty = Month("2024-01", columns=COLUMNS, surplus=files - 1)
    for number, key in enumerate(write_month(folder, empty).files):
        months.write_csv(folder / key, months.legacy, rows, first=number * rows)


def _once(path: Path, write: Callable[[Path], None]) -> Path:
    if not path.exists():
        unfinished = path.with_name(f"unfinished-{path.name}")
        write(unfinished)
        unfinished.rename(path)
    return path


@contextmanager
def empty_folder() -> Iterator[Path]:
    """A folder for what one program writes, gone afterwards."""
    folder = Path(mkdtemp(prefix="bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
