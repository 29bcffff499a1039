"""When a source is looked at without anybody asking: usage every hour, AWS's estimates every day, each at a minute of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from worker.domain.source import CARBON, Source, digest

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Schedule:
    """The turns of one kind of one configured source, in UTC. Its source's name says when they are, so all hosts agree."""

    source_name: str
    kind: str

    @property
    def name(self) -> str:
        """What the entry of the schedule is called."""
        return f"{self.source_name}/{self.kind}"

    @property
    def every(self) -> timedelta:
        """AWS refreshes usage some times a day and estimates once a month; a look that finds nothing new costs a listing."""
        return DAY if self.kind == CARBON else HOUR

    @property
    def minute(self) -> int:
        """The minute of its hour."""
        return self._jitter % 60

    @property
    def hour(self) -> int | None:
        """The hour of its day; None for a turn in every hour."""
        return self._jitter // 60 % 24 if self.every == DAY else None

    def slot(self, now: datetime) -> datetime:
        """The turn that it is, or was last. ``now`` is in UTC."""
        since = timedelta(hours=self.hour or 0, minutes=self.minute)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + since + (now - midnight - since) // self.every * self.every

    def trigger_id(self, now: datetime) -> str:
        """The same for everybody who finds the same turn due, however often."""
        return f"beat-{self.source_name}-{self.kind}-{self.slot(now):%Y-%m-%dT%H}"

    @property
    def _jitter(self) -> int:
        return int(digest(self.source_name), 16)


@dataclass(frozen=True, slots=True)
class ScheduleStanding:
    """How a schedule stands. ``last_run`` is None before the first, ``next_run`` while it is paused."""

    schedule: Schedule
    last_run: datetime | None
    next_run: datetime | None
    paused: bool


def schedules(sources: Iterable[Source]) -> tuple[Schedule, ...]:
    """The schedule of each configured source."""
    return tuple(Schedule(source.name, source.kind) for source in sources)
