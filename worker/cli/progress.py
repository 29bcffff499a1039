"""A live bar for long work: files, rows, megabytes a second, time left."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from worker.cli.output import notes

if TYPE_CHECKING:
    from worker.services.follow import Standing

MEGABYTE = 1_000_000


@contextmanager
def bar() -> Iterator[Callable[[Standing], None]]:
    """Yields what wants to be told how things stand. Without a terminal, one line when a run ends."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("files · {task.fields[rows]} rows · {task.fields[speed]} MB/s"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=notes, transient=True) as progress:
        yield _Bar(progress)


class _Bar:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("planning", total=None, rows="0", speed="0.0")

    def __call__(self, standing: Standing) -> None:
        done = sum(run.done for run in standing.running) + sum(report.files.ingested for report in standing.reports)
        total = sum(run.total for run in standing.running) + sum(report.files.ingested for report in standing.reports)
        rows = sum(run.rows for run in standing.running) + sum(report.balance.read.rows for report in standing.reports)
        read = sum(run.bytes_read for run in standing.running) + sum(report.bytes_read for report in standing.reports)
        elapsed = self._progress.tasks[0].elapsed or 1.0
        speed = f"{read / MEGABYTE / elapsed:.1f}"
        what = "ingesting" if standing.running else "planning"
        self._progress.update(
            self._task, description=what, completed=done, total=total or None, rows=f"{rows:,}", speed=speed
        )


class _Lines:
    def __init__(self) -> None:
        self._told: set[str] = set()

    def __call__(self, standing: Standing) -> None:
        for report in standing.reports:
            if report.run_id + report.state not in self._told:
                self._told.add(report.run_id + report.state)
                notes.print(f"{report.source_name} {report.billing_period or '-'}: {report.state}")
