"""The verbs that read: `status`, `runs`, `query`, `export`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from worker import api
from worker.cli import output
from worker.cli.documents import query_document, run_document
from worker.cli.status_document import status_document
from worker.cli.status_tables import show_status
from worker.domain.counting import counted

Json = Annotated[bool, typer.Option("--json", help="one JSON document on stdout")]


class Format(StrEnum):
    """What an export is written as."""

    PARQUET = "parquet"
    CSV = "csv"
    JSONL = "jsonl"


def status(*, as_json: Json = False) -> None:
    """Show every month of every source: how it stands, why, and what to do."""
    seen = api.overview()
    if as_json:
        output.show_json(status_document(seen))
        return
    if not seen.months:
        output.note("nothing is published yet; `offgridflow ingest` begins")
    show_status(seen)
    if seen.unknown:
        output.note(seen.unknown)


def runs(
    run_id: Annotated[str | None, typer.Argument(help="one run's files, attempts, errors and remedies")] = None,
    *,
    limit: Annotated[int, typer.Option(help="how many runs to list")] = 20,
    as_json: Json = False,
) -> None:
    """List the newest runs, or show one."""
    with api.broker() as broker:
        reports = (api.run_report(broker, run_id),) if run_id else api.recent_runs(broker, limit)
        files = api.run_files(broker, run_id) if run_id else ()
    if as_json:
        output.show_json(run_document(reports, files))
        return
    output.show_runs(reports, with_id=True)
    if run_id:
        output.show_balance(reports)
        output.show_files(files)


def query(
    sql: Annotated[str, typer.Argument(help="a SELECT over activities, usage, emissions and rejections")],
    *,
    org: Annotated[str | None, typer.Option(help="this org only")] = None,
    as_json: Json = False,
) -> None:
    """Ask DuckDB about what is published. Reading is all that it can do."""
    answer = api.query(sql, org)
    if as_json:
        output.show_json(query_document(answer.columns, answer.rows))
    else:
        output.show_rows(answer.columns, answer.rows)


def export(
    out: Annotated[Path, typer.Option(help="the file to write")],
    *,
    format_: Annotated[
        Format, typer.Option("--format", help="parquet, csv, or jsonl: the OffGridFlow Activity")
    ] = Format.PARQUET,
    period: Annotated[str | None, typer.Option(help="one month, YYYY-MM")] = None,
    org: Annotated[str | None, typer.Option(help="this org only")] = None,
    source_name: Annotated[str | None, typer.Option("--source", help="this source only")] = None,
) -> None:
    """Write published activities to a file, for another tool."""
    rows = api.export(out, format_.value, org_id=org, source_name=source_name, period=period)
    output.note(f"{counted(rows, 'activity', 'activities')} written to {out}")
