"""A request for runs, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from worker.domain.billing_period import BillingPeriod
from worker.domain.report import RunReport
from worker.domain.source import Source


@dataclass(frozen=True, slots=True)
class Trigger:
    """Who asked for what. ``names`` selects configured sources (none: all), unless ``sources`` brings their definitions along.

    ``start`` and ``end`` (half open) narrow the months; ``reconvert`` reads unchanged files again. ``supersessions`` counts
    how often in a row the delivery changed under a plan; ``failing_since`` is when the first run failed of those that this
    one follows. A trigger with ``after_seconds`` is to be planned so long after it was opened; what is asked for in the
    ``background`` gives way to everything else.
    """

    trigger_id: str
    names: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    start: BillingPeriod | None = None
    end: BillingPeriod | None = None
    reconvert: bool = False
    max_rejected_percent: float | None = None
    supersessions: int = 0
    failing_since: datetime | None = None
    after_seconds: float = 0.0
    background: bool = False

    def covers(self, period: BillingPeriod) -> bool:
        """Whether the month is asked for."""
        return period.is_within(self.start, self.end)


def successor(run_id: str) -> str:
    """The id of the trigger that plans a superseded run again."""
    return f"{run_id}-again"


@dataclass(frozen=True, slots=True)
class TriggerState:
    """What came of a trigger so far: runs in the ledger, and reports of what needed none.

    ``planned`` says that no more will be added.
    """

    planned: bool
    run_ids: tuple[str, ...]
    reports: tuple[RunReport, ...]
