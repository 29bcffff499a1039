"""The verbs about published versions: `history`, `diff`, `forget`, `vacuum`."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import typer

from worker import api
from worker.cli import output
from worker.cli.version_documents import diff_document, forgotten_document, history_document, vacuum_document
from worker.cli.version_tables import show_diffs, show_history, show_months, show_vacuumed
from worker.domain.errors import BadRequestError
from worker.domain.publication import PublicationRecord

Period = Annotated[str, typer.Argument(help="the month, YYYY-MM")]
Org = Annotated[str | None, typer.Option(help="this org only")]
SourceName = Annotated[str | None, typer.Option("--source", help="this source only")]
Json = Annotated[bool, typer.Option("--json", help="one JSON document on stdout")]

UNITS = {"d": "days", "h": "hours"}


def history(period: Period, *, org: Org = None, source_name: SourceName = None, as_json: Json = False) -> None:
    """List every version of a month that was published, newest first. Needs no broker."""
    months = api.history(period, org, source_name)
    if as_json:
        output.show_json(history_document(months))
    elif months:
        show_history(months)
    else:
        output.note(f"nothing was ever published for {period}")


def diff(
    period: Period,
    *,
    from_: Annotated[str | None, typer.Option("--from", help="version id or run id; default: the one before")] = None,
    to: Annotated[str | None, typer.Option(help="version id or run id; default: what is published")] = None,
    org: Org = None,
    source_name: SourceName = None,
    as_json: Json = False,
) -> None:
    """Show what AWS restated between two versions of a month, by service, account and region. Needs no broker."""
    diffs = api.diff(period, from_, to, org, source_name)
    if as_json:
        output.show_json(diff_document(diffs))
    else:
        show_diffs(diffs)


def forget(
    name: Annotated[str, typer.Argument(help="the source whose months are unpublished")],
    *,
    org: Annotated[str | None, typer.Option(help="the org, if several have a source of this name")] = None,
    period: Annotated[str | None, typer.Option(help="one month, YYYY-MM; default: every month")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    as_json: Json = False,
) -> None:
    """Unpublish a source's months on purpose. The next ingest publishes what AWS still has. Needs no broker."""
    forgotten = api.forget(name, org, period, confirm=_say_yes if yes else _ask)
    if as_json:
        output.show_json(forgotten_document(forgotten))
    else:
        output.note(f"unpublished: {', '.join(str(record.slot.period) for record in forgotten)}")


def _say_yes(_records: Sequence[PublicationRecord]) -> None:
    """Nobody wants to be asked."""


def _ask(records: Sequence[PublicationRecord]) -> None:
    if not sys.stdin.isatty():
        raise BadRequestError("nobody is there to be asked", "usage", "say --yes to unpublish without being asked")
    show_months(records)
    typer.confirm(f"unpublish {'this month' if len(records) == 1 else 'these months'}?", abort=True, err=True)


def vacuum(
    *,
    org: Org = None,
    older_than: Annotated[str, typer.Option(help="spare what is younger: 7d, 36h; at least 1h")] = "7d",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="delete nothing, and say what would be")] = False,
    as_json: Json = False,
) -> None:
    """Delete old snapshots, and the files that nothing published or running refers to. Needs a broker, embedded or not."""
    limit = _duration(older_than)
    with api.broker() as broker:
        vacuumed = api.vacuum(broker, org, limit, dry_run=dry_run)
    if as_json:
        output.show_json(vacuum_document(vacuumed, dry_run=dry_run))
    else:
        show_vacuumed(vacuumed, dry_run=dry_run)


def _duration(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,6})([dh])", text)
    if found is None:
        raise BadRequestError(f"{text!r} is no duration", "usage", "write days or hours: 7d, 36h")
    return timedelta(**{UNITS[found[2]]: int(found[1])})
