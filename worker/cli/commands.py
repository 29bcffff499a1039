"""The command's verbs, put together."""

from __future__ import annotations

import typer

from worker.cli import ingesting, reading, versions

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Turn what AWS delivers about usage into activities: normalised, auditable rows in an Iceberg table.",
    epilog="Begin with `offgridflow demo`, or `offgridflow ingest --url s3://bucket/prefix --org my-org`.",
)

for verb in (
    ingesting.demo,
    ingesting.ingest,
    ingesting.plan,
    reading.status,
    reading.runs,
    reading.query,
    reading.export,
    versions.history,
    versions.diff,
    versions.forget,
    versions.vacuum,
):
    app.command()(verb)
