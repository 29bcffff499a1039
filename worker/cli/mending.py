"""The verbs that act on one run: `cancel`, `retry`."""

from __future__ import annotations

from typing import Annotated

import typer

from worker import api
from worker.cli import output
from worker.cli.documents import run_document
from worker.cli.following import exit_by, follow
from worker.domain.outcome import RunState
from worker.domain.report import RunReport

RunId = Annotated[str, typer.Argument(help="the run, as `offgridflow runs` lists it")]
Json = Annotated[bool, typer.Option("--json", help="one JSON document on stdout")]


def cancel(run_id: RunId, *, as_json: Json = False) -> None:
    """Stop a run: its workers let go within seconds, and nothing of it is published."""
    with api.broker() as broker:
        before = api.run_report(broker, run_id)
        report = api.cancel(broker, run_id)
    if before.state is not RunState.RUNNING:
        output.note(f"run {run_id} had ended already: {before.state}")
    elif report.state is RunState.RUNNING:
        output.note(f"run {run_id} was asked to end; `offgridflow runs {run_id}` shows when it has")
    _show((report,), as_json=as_json)


def retry(run_id: RunId, *, as_json: Json = False) -> None:
    """Do again what failed of a run, and only that; follow it to its end."""
    with api.broker() as broker:
        wanted = api.retry(broker, run_id)
        if wanted is None:
            output.note(f"run {run_id} did not fail: there is nothing to retry")
        reports = follow(broker, wanted) if wanted else (api.run_report(broker, run_id),)
    _show(reports, as_json=as_json)
    exit_by(reports)


def _show(reports: tuple[RunReport, ...], *, as_json: bool) -> None:
    if as_json:
        output.show_json(run_document(reports, ()))
    else:
        output.show_runs(reports, with_id=True)
