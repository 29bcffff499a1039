"""Many months to be ingested beside the daily work: which, in which order, and how many of them at a time."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from worker.domain.billing_period import BillingPeriod
from worker.domain.plan import Slot
from worker.domain.source import Source
from worker.domain.trigger import Trigger


class Only(StrEnum):
    """Which months are wanted: those that are not published, those whose last run failed, or every one."""

    MISSING = "missing"
    FAILED = "failed"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Backfill:
    """Triggers of one month of one source each, in the order of their turns; ``max_active`` of them may be under way."""

    backfill_id: str
    max_active: int
    triggers: tuple[Trigger, ...]


@dataclass(frozen=True, slots=True)
class KnownMonths:
    """How the months stand that anything is known about."""

    published: AbstractSet[Slot]
    running: AbstractSet[Slot]
    failed: AbstractSet[Slot]

    def wants(self, slot: Slot, only: Only) -> bool:
        """Whether a backfill of these months is to ask for this one. A month under way is not asked for as missing."""
        if only is Only.MISSING:
            return slot not in self.published and slot not in self.running
        return only is Only.ALL or slot in self.failed


def months_of(
    sources: Iterable[Source], start: BillingPeriod, end: BillingPeriod, *, newest_first: bool = False
) -> tuple[tuple[Source, BillingPeriod], ...]:
    """Every month from ``start`` to before ``end`` that a source is configured for; all sources of a month together."""
    known = tuple(sources)
    found = [(source, period) for period in start.until(end) for source in known if source.covers(period)]
    return tuple(sorted(found, key=lambda each: each[1], reverse=newest_first))


def month_trigger(backfill_id: str, source: Source, period: BillingPeriod) -> Trigger:
    """What asks for one month of a backfill, in the background."""
    return Trigger(
        trigger_id=f"{backfill_id}-{source.name}-{source.kind}-{period}",
        sources=(source,),
        start=period,
        end=period.next(),
        background=True,
    )
