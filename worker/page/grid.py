"""The month grid: a row for each stream of each source, a column for each month; and what is to be done about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from worker.domain.billing_period import BillingPeriod
from worker.domain.standing import Cell, Standing
from worker.services.overview import Overview, SourceStanding


@dataclass(frozen=True, slots=True)
class Look:
    """How a state looks: the word, the icon, and the tone that colours both. ``urgency`` 0 comes first."""

    word: str
    icon: str
    tone: str
    urgency: int


LOOKS: Mapping[Cell, Look] = {
    Cell.FAILED: Look("failed", "cross", "bad", 0),
    Cell.LATE: Look("late", "clock", "look", 1),
    Cell.NOT_DELIVERED: Look("not delivered", "ring", "look", 2),
    Cell.RESTATED: Look("restated", "turn", "look", 3),
    Cell.RUNNING: Look("running", "play", "wait", 5),
    Cell.PROVISIONAL: Look("provisional", "half", "wait", 6),
    Cell.COMPLETE: Look("complete", "check", "good", 7),
}
WITH_WARNINGS = {
    Cell.COMPLETE: Look("complete, with warnings", "mark", "look", 4),
    Cell.PROVISIONAL: Look("provisional, with warnings", "mark", "look", 4),
}
"""A month that lost rows is never plain green, and does not wait quietly either."""

SHOWN_STEPS = 3

Stream = tuple[str, str, str]


def look_of(standing: Standing) -> Look:
    """How the cell looks."""
    look = LOOKS[standing.cell]
    return WITH_WARNINGS.get(standing.cell, look) if standing.warnings else look


@dataclass(frozen=True, slots=True)
class Row:
    """A stream of one source: its usage, or the emissions that AWS estimates of it. A cell is None where nothing is known.

    ``whole`` is what kept every month of it from being known.
    """

    source: SourceStanding
    cells: tuple[Standing | None, ...]
    whole: Standing | None


@dataclass(frozen=True, slots=True)
class Task:
    """Months of a stream that stand the same way for the same reason, oldest first; none when it is the whole source.

    ``steps`` are a few of what is to be done about them: one may be all, or each month may have its own.
    """

    first: Standing
    months: tuple[Standing, ...]
    steps: tuple[str, ...]
    more_steps: int

    @property
    def look(self) -> Look:
        """How each of them looks."""
        return look_of(self.first)


@dataclass(frozen=True, slots=True)
class Grid:
    """All of it. ``months`` are without a gap, newest first; ``tasks`` are all that is not plain green, most urgent first."""

    months: tuple[str, ...]
    rows: tuple[Row, ...]
    tasks: tuple[Task, ...]
    counts: tuple[tuple[Look, int], ...]


def grid(overview: Overview) -> Grid:
    """The grid of what stands how."""
    months = _months(overview.months)
    cells = {(_stream(each), each.period): each for each in overview.months}
    rows = tuple(_row(source, cells, months) for source in overview.sources)
    return Grid(months, rows, _tasks(overview.months), _counts(overview.months))


def _stream(one: Standing | SourceStanding) -> Stream:
    return (one.org_id, one.source_name, one.source)


def _months(cells: Iterable[Standing]) -> tuple[str, ...]:
    known = sorted(BillingPeriod.parse(each.period) for each in cells if each.period)
    if not known:
        return ()
    return tuple(reversed([str(month) for month in known[0].until(known[-1].next())]))


def _row(source: SourceStanding, cells: Mapping[tuple[Stream, str | None], Standing], months: tuple[str, ...]) -> Row:
    stream = _stream(source)
    return Row(source, tuple(cells.get((stream, month)) for month in months), cells.get((stream, None)))


def _tasks(cells: Iterable[Standing]) -> tuple[Task, ...]:
    """In the order of the cells where two are as urgent."""
    found: dict[tuple[object, ...], list[Standing]] = {}
    for each in cells:
        if not each.is_plain:
            found.setdefault((_stream(each), each.cell, each.why, each.warnings), []).append(each)
    return tuple(sorted(map(_task, found.values()), key=lambda task: task.look.urgency))


def _task(alike: list[Standing]) -> Task:
    months = tuple(each for each in alike if each.period)
    steps = tuple(dict.fromkeys(each.next_step for each in alike if each.next_step))
    return Task(alike[0], months, steps[:SHOWN_STEPS], max(0, len(steps) - SHOWN_STEPS))


def _counts(cells: Iterable[Standing]) -> tuple[tuple[Look, int], ...]:
    looks = sorted((look_of(each) for each in cells), key=lambda look: (look.urgency, look.word))
    return tuple((look, len(tuple(alike))) for look, alike in groupby(looks))
