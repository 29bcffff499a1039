"""The command's verbs, put together."""

from __future__ import annotations

import typer

from worker.cli import doctor, ingesting, listening, mending, page, reading, scheduling, versions

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
    doctor.doctor,
    reading.status,
    reading.runs,
    page.page,
    mending.retry,
    mending.cancel,
    reading.query,
    reading.export,
    versions.history,
    versions.diff,
    versions.forget,
    versions.vacuum,
    scheduling.backfill,
    listening.listen,
):
    app.command()(verb)
app.add_typer(scheduling.schedule, name="schedule")
