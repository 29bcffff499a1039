"""Who asked for runs, and which months wait for their turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from worker.domain.backfill import Backfill
    from worker.domain.report import RunReport
    from worker.domain.trigger import Trigger, TriggerState


class Triggers(Protocol):
    """Who asked for runs, and which runs came of it."""

    def open(self, trigger: Trigger) -> None:
        """Keep a trigger, which now wants planning, or later: of those for later, one waits for each month of a source."""

    def get(self, trigger_id: str) -> Trigger: ...

    def state(self, trigger_id: str) -> TriggerState: ...

    def attach(self, trigger_id: str, run_id: str) -> None: ...

    def conclude(self, trigger_id: str, report: RunReport) -> None:
        """What needed no run: a month up to date, a source that failed before any month was known."""

    def planned(self, trigger_id: str) -> None:
        """Nothing more will be attached or concluded."""


class Backfills(Protocol):
    """Months that wait for their turn, in line, and those that have it. Each call is one atomic step for each month."""

    def open(self, backfill: Backfill) -> None: ...

    def active(self) -> Mapping[str, tuple[str, ...]]:
        """The ids of the triggers under way, of every backfill that has not ended."""

    def end(self, backfill_id: str, trigger_id: str) -> None:
        """The month has ended: it gives its place to the next one."""

    def start(self, backfill_id: str) -> tuple[str, ...]:
        """Open the triggers whose turn has come, never more than may be active; their ids."""
