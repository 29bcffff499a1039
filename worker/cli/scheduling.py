"""The verbs about what happens without being followed: `schedule`, `backfill`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer

from worker import api
from worker.cli import output
from worker.cli.ingesting import Json, Names
from worker.domain.backfill import Backfill, Only
from worker.domain.billing_period import BillingPeriod
from worker.domain.counting import counted
from worker.domain.schedule import Schedule, ScheduleStanding
from worker.settings import broker_url
from worker.sources import configured_sources

schedule = typer.Typer(help="Show, pause, resume or trigger what beat looks at by itself.")

Name = Annotated[str, typer.Argument(help="a configured source")]


@schedule.callback(invoke_without_command=True)
def show(context: typer.Context, *, as_json: Json = False) -> None:
    """Show, pause, resume or trigger what beat looks at by itself. Without a word: list."""
    if context.invoked_subcommand is None:
        list_(as_json=as_json)


@schedule.command("list")
def list_(*, as_json: Json = False) -> None:
    """List each source's schedules: when they ran, when they will, and whether they are paused."""
    standings, has_beat = api.schedule(broker_url())
    _show(standings, as_json=as_json)
    if not has_beat:
        output.note("no beat is running: nothing is sent until one does")


@schedule.command()
def pause(name: Name, *, as_json: Json = False) -> None:
    """Let no turn of a source come until it is resumed. What runs goes on."""
    _show(api.pause(broker_url(), name), as_json=as_json)


@schedule.command()
def resume(name: Name, *, as_json: Json = False) -> None:
    """Let a paused source have its turns again; one that was due meanwhile comes at once."""
    _show(api.resume(broker_url(), name), as_json=as_json)


@schedule.command()
def trigger(name: Name, *, as_json: Json = False) -> None:
    """Give a source a turn now, paused or not; do not follow it."""
    wanted = api.request(*configured_sources((name,)))
    api.trigger(broker_url(), wanted)
    if as_json:
        output.show_json({"trigger_id": wanted.trigger_id})
    else:
        output.note(f"asked for as {wanted.trigger_id}; `offgridflow runs` shows what becomes of it")


def backfill(
    names: Names = None,
    *,
    from_: Annotated[str, typer.Option("--from", help="first month, YYYY-MM")],
    to: Annotated[str, typer.Option("--to", help="last month, YYYY-MM, included")],
    only: Annotated[Only, typer.Option(help="which months: not published, failed, or every one")] = Only.MISSING,
    max_active: Annotated[int, typer.Option(min=1, help="months under way at a time")] = 2,
    newest_first: Annotated[bool, typer.Option("--newest-first", help="begin with the newest month")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show the months, and ask for none")] = False,
    as_json: Json = False,
) -> None:
    """Ingest many months in the background, giving way to everything else; does not wait for them."""
    broker = "" if dry_run else broker_url()
    planned = api.plan_backfill(
        *configured_sources(tuple(names or ())),
        start=from_,
        end=str(BillingPeriod.parse(to).next()),
        only=only,
        max_active=max_active,
        newest_first=newest_first,
    )
    if broker:
        api.backfill(broker, planned)
    _show_backfill(planned, asked=bool(broker), as_json=as_json)


def _show_backfill(planned: Backfill, *, asked: bool, as_json: bool) -> None:
    months = [(trigger.sources[0], str(trigger.start)) for trigger in planned.triggers]
    if as_json:
        listed = [{"source_name": each.name, "source": each.kind, "billing_period": month} for each, month in months]
        output.show_json({"backfill_id": planned.backfill_id, "max_active": planned.max_active, "months": listed})
        return
    made = output.table("", ("source", "what", "month"))
    for source, month in months:
        made.add_row(source.name, source.kind, month)
    output.out.print(made)
    done = "asked for" if asked else "would be asked for"
    output.note(
        f"{counted(len(months), 'month')} {done}, {planned.max_active} at a time; `offgridflow status` shows how they stand"
    )


def _show(standings: Sequence[ScheduleStanding], *, as_json: bool) -> None:
    if as_json:
        output.show_json({"schedules": [_document(each) for each in standings]})
        return
    made = output.table("", ("source", "what", "turn (UTC)", "last run", "next run"))
    for each in standings:
        next_run = "paused" if each.paused else _minute(each.next_run)
        made.add_row(
            each.schedule.source_name, each.schedule.kind, _turn(each.schedule), _minute(each.last_run), next_run
        )
    output.out.print(made)


def _document(each: ScheduleStanding) -> dict[str, object]:
    return {
        "source_name": each.schedule.source_name,
        "source": each.schedule.kind,
        "turn": _turn(each.schedule),
        "last_run": each.last_run.isoformat() if each.last_run else None,
        "next_run": each.next_run.isoformat() if each.next_run else None,
        "paused": each.paused,
    }


def _turn(schedule: Schedule) -> str:
    if schedule.hour is None:
        return f"every hour at :{schedule.minute:02}"
    return f"every day at {schedule.hour:02}:{schedule.minute:02}"


def _minute(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "-"
