"""Asking for runs and watching them."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from worker import api
from worker.cli.exits import Exit
from worker.cli.progress import bar
from worker.domain.outcome import RunState
from worker.domain.report import RunReport
from worker.domain.trigger import Trigger


def follow(url: str, wanted: Trigger) -> tuple[RunReport, ...]:
    """Ask on this broker, and show a bar until everything has ended."""
    api.trigger(url, wanted)
    with bar() as on_look:
        return api.watch(url, wanted.trigger_id, on_look)


def exit_by(reports: Sequence[RunReport]) -> None:
    """End the command with the code that says how many runs failed."""
    failed = sum(report.state is RunState.FAILED for report in reports)
    if failed:
        raise typer.Exit(Exit.EVERY_RUN_FAILED if failed == len(reports) else Exit.SOME_RUNS_FAILED)
