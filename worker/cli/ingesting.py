"""The verbs that ask for runs: `ingest`, `plan`, `demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from worker import api
from worker.cli import output
from worker.cli.demo import run_demo
from worker.cli.documents import plan_document
from worker.cli.following import exit_by, follow
from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import BadRequestError
from worker.domain.source import Source
from worker.settings import broker_url, settings
from worker.sources import configured_sources

Names = Annotated[list[str] | None, typer.Argument(help="configured sources; none: all")]
Url = Annotated[str | None, typer.Option(help="one source without a file: s3://bucket/prefix or file:///folder")]
Org = Annotated[str | None, typer.Option(help="the org that --url belongs to")]
Name = Annotated[str | None, typer.Option(help="the name of the source at --url; default: from the URL")]
From = Annotated[str | None, typer.Option("--from", help="first month, YYYY-MM")]
To = Annotated[str | None, typer.Option("--to", help="last month, YYYY-MM, included")]
Json = Annotated[bool, typer.Option("--json", help="one JSON document on stdout")]


def sources_of(names: list[str] | None, url: str | None, org: str | None, name: str | None) -> tuple[Source, ...]:
    """Those that a command line names. BadRequestError when it names them in two ways, or none that there is."""
    if url is None:
        if org or name:
            raise BadRequestError("--org and --name belong to --url", "usage", "give --url, or neither of them")
        return configured_sources(tuple(names or ()))
    if names:
        raise BadRequestError("give either NAMEs or --url", "usage", "NAMEs are those of offgridflow.toml")
    if not org:
        raise BadRequestError("--url needs --org", "usage", "name the org that the activities belong to")
    return (api.source(url, org, name),)


def _end(to: str | None) -> str | None:
    return str(BillingPeriod.parse(to).next()) if to else None


def ingest(
    names: Names = None,
    url: Url = None,
    org: Org = None,
    name: Name = None,
    from_: From = None,
    to: To = None,
    *,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="ask for the runs and return; needs a broker")] = False,
    reconvert: Annotated[bool, typer.Option("--reconvert", help="read months of an older converter again")] = False,
    max_rejected: Annotated[float | None, typer.Option(help="publish no month with more rejected rows, in %")] = None,
    as_json: Json = False,
) -> None:
    """Read what changed, convert it, publish it; follow the runs to their end."""
    sources = sources_of(names, url, org, name)
    wanted = api.request(*sources, start=from_, end=_end(to), reconvert=reconvert, max_rejected_percent=max_rejected)
    if no_wait:
        api.trigger(broker_url(), wanted)
        output.note(f"asked for as {wanted.trigger_id}; `offgridflow runs` shows what becomes of it")
        return
    with api.broker() as broker:
        output.say_broker()
        reports = follow(broker, wanted)
    if as_json:
        output.show_json({"runs": [report.document() for report in reports]})
    else:
        output.show_runs(reports)
    exit_by(reports)


def plan(
    names: Names = None,
    url: Url = None,
    org: Org = None,
    name: Name = None,
    from_: From = None,
    to: To = None,
    *,
    as_json: Json = False,
) -> None:
    """Show what an ingest would read, and why each file is new, changed, kept or dropped. Writes nothing."""
    sources = sources_of(names, url, org, name)
    planned = [each for source in sources for each in api.plan(source, from_, _end(to))]
    if as_json:
        output.show_json(plan_document(planned))
    else:
        output.show_plan(planned)


def demo(
    *,
    rows: Annotated[int, typer.Option(help="line items to make, about")] = 100_000,
    bucket: Annotated[
        Path | None, typer.Option(help="where the sample bucket is written; default: in the home")
    ] = None,
) -> None:
    """Write a sample bucket, ingest it, show what came out; then show that a second run reads nothing."""
    output.say_broker()
    exit_by(run_demo(bucket or settings().home / "demo-bucket", rows))
