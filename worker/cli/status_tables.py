"""What people see of how everything stands: the grid of months, what to look at, and what keeps it all going."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby

from rich.text import Text

from worker.cli.output import note, out, table
from worker.domain.standing import Cell, Standing
from worker.ports.limits import BucketLevel
from worker.services.overview import Machinery, Overview, SourceStanding

CELL_STYLES = {
    Cell.COMPLETE: "green",
    Cell.PROVISIONAL: "cyan",
    Cell.RESTATED: "yellow",
    Cell.LATE: "yellow",
    Cell.NOT_DELIVERED: "yellow",
    Cell.RUNNING: "cyan",
    Cell.FAILED: "bold red",
}
MARKS = {
    Cell.COMPLETE: "ok",
    Cell.PROVISIONAL: "open",
    Cell.RESTATED: "new",
    Cell.LATE: "late",
    Cell.NOT_DELIVERED: "none",
    Cell.RUNNING: "run",
    Cell.FAILED: "FAIL",
}
"""Cells as twelve of them fit in a line; the list below has the whole words."""

MONTHS = tuple(f"{month:02}" for month in range(1, 13))


def show_status(seen: Overview) -> None:
    """Everything, in the order in which one asks: which months, what to do, how fresh, what keeps it going."""
    if seen.months:
        _show_grid(seen.months)
        _show_attention([each for each in seen.months if not each.is_plain])
        _show_sources(seen.sources)
    if seen.machinery:
        _show_machinery(seen.machinery)


def _show_grid(cells: Iterable[Standing]) -> None:
    """A source's year a line; usage and its emissions one below the other, never in one figure."""
    made = table("", ("source", "what", "year", *MONTHS, "activities"), ("activities",))
    dated = (each for each in cells if each.period)
    for (org, name, kind, year), group in groupby(dated, key=_line):
        months = {(each.period or "")[5:]: each for each in group}
        rows = sum(each.rows for each in months.values())
        marks = [_mark(months[month]) if month in months else Text("·", style="dim") for month in MONTHS]
        made.add_row(f"{org}/{name}", kind, year, *marks, f"{rows:,}")
    if made.row_count:
        out.print(made)
        out.print(Text("  ".join(f"{mark} {cell}" for cell, mark in MARKS.items()) + "  ! warnings", style="dim"))


def _line(each: Standing) -> tuple[str, str, str, str]:
    return (each.org_id, each.source_name, each.kind, (each.period or "")[:4])


def _mark(each: Standing) -> Text:
    """Not by its colour alone, and never plain green with warnings."""
    style = "yellow" if each.warnings and each.cell is Cell.COMPLETE else CELL_STYLES[each.cell]
    return Text(f"{MARKS[each.cell]}{'!' if each.warnings else ''}", style=style)


def _show_attention(cells: Sequence[Standing]) -> None:
    """Every month that is not plain: why, and what to do."""
    made = table(
        "To look at", ("source", "month", "cell", "version", "rows", "at (UTC)", "why", "next step"), ("rows",)
    )
    for each in cells:
        made.add_row(
            f"{each.org_id}/{each.source_name} {each.kind}",
            each.period or "-",
            Text(f"{each.cell}{' (!)' if each.warnings else ''}", style=CELL_STYLES[each.cell]),
            Text(each.version_id or "-"),
            f"{each.rows:,}",
            _minute(each.at),
            Text("\n".join((*([each.why] if each.why else []), *each.warnings))),
            Text(each.next_step),
        )
    if cells:
        out.print(made)
    else:
        note("every month is complete")


def _show_sources(sources: Iterable[SourceStanding]) -> None:
    """How fresh each source is, and when it is looked at by itself."""
    numbers = ("months behind",)
    titles = ("source", "what", "looked at (UTC)", "newest published", *numbers, "last turn", "next turn")
    made = table("Freshness", titles, numbers)
    for each in sources:
        turn = each.schedule
        made.add_row(
            f"{each.org_id}/{each.source_name}",
            each.kind,
            _minute(each.looked_at),
            _minute(each.published_at),
            str(each.behind),
            _minute(turn.last_run) if turn else "-",
            ("paused" if turn.paused else _minute(turn.next_run)) if turn else "not scheduled",
        )
    out.print(made)


def _show_machinery(machinery: Machinery) -> None:
    queues = table("Queues", ("queue", "waiting", "since (UTC)", "workers"), ("waiting",))
    for each in machinery.queues:
        serving = ", ".join(worker.name for worker in machinery.workers if each.name in worker.queues)
        queues.add_row(each.name, f"{each.waiting:,}", _minute(each.since), serving or Text("none", style="yellow"))
    out.print(queues)
    if machinery.limits:
        _show_limits(machinery.limits)
    if machinery.schedules and not machinery.has_beat:
        note("no beat is running: nothing is looked at by itself until one does")


def _show_limits(levels: Iterable[BucketLevel]) -> None:
    """The buckets that are not full, one a line: below zero tokens, requests stand in line."""
    numbers = ("tokens", "wait (s)", "capacity", "per second")
    made = table("Requests to AWS", ("bucket", *numbers), numbers)
    for each in levels:
        figures = (f"{each.tokens:.1f}", f"{each.wait_seconds:.1f}", str(each.capacity), f"{each.rate_per_second:g}")
        made.add_row(each.bucket, *figures)
    out.print(made)


def _minute(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "-"
