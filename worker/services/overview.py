"""Everything that is to be seen at a glance: months, sources, and what keeps them up to date. Text and page show this one value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from worker.domain.schedule import ScheduleStanding
from worker.domain.standing import WORDS, Standing
from worker.ports.limits import BucketLevel
from worker.ports.workers import WorkerSeen


@dataclass(frozen=True, slots=True)
class QueueLevel:
    """How many messages wait in a queue, and since when the next one does; None when none waits, or it does not say."""

    name: str
    waiting: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Machinery:
    """What only a broker knows. ``has_beat``: somebody keeps to the schedules."""

    workers: tuple[WorkerSeen, ...] = ()
    queues: tuple[QueueLevel, ...] = ()
    limits: tuple[BucketLevel, ...] = ()
    schedules: tuple[ScheduleStanding, ...] = ()
    has_beat: bool = False


@dataclass(frozen=True, slots=True)
class SourceStanding:
    """How fresh a source is.

    ``published_at`` is of its newest publication; ``behind`` counts months whose newest delivery is not the published one;
    ``schedule`` is None when no beat knows the source.
    """

    org_id: str
    source_name: str
    source: str
    looked_at: datetime | None
    published_at: datetime | None
    behind: int
    schedule: ScheduleStanding | None

    @property
    def kind(self) -> str:
        """``usage`` or ``emissions``."""
        return WORDS[self.source]


@dataclass(frozen=True, slots=True)
class Overview:
    """How everything stood at a moment. Without a ``machinery``, ``unknown`` says what could not be seen, and why."""

    at: datetime
    months: tuple[Standing, ...]
    sources: tuple[SourceStanding, ...]
    machinery: Machinery | None
    unknown: str = ""


def overview(at: datetime, months: Iterable[Standing], machinery: Machinery | None, unknown: str = "") -> Overview:
    """Put together what was found; ``months`` come in the order of `worker.services.status.standings`."""
    listed = tuple(months)
    turns = {
        (each.schedule.source_name, each.schedule.kind): each for each in (machinery.schedules if machinery else ())
    }
    streams = groupby(listed, key=lambda each: (each.org_id, each.source_name, each.source))
    sources = tuple(_source(stream, tuple(cells), turns.get(stream[1:])) for stream, cells in streams)
    return Overview(at, listed, sources, machinery, unknown)


def _source(
    stream: tuple[str, str, str], cells: tuple[Standing, ...], schedule: ScheduleStanding | None
) -> SourceStanding:
    published = (each for each in cells if each.version_id)
    return SourceStanding(
        *stream,
        looked_at=max((each.looked_at for each in cells if each.looked_at), default=None),
        published_at=max((each.published_at for each in published if each.published_at), default=None),
        behind=sum(each.seen_version_id != each.version_id for each in cells),
        schedule=schedule,
    )
