"""Many months at once, in the background: planned by what is known of them, and asked for. `worker.api` has this too."""

from __future__ import annotations

# ruff: noqa: PLC0415 (as in `worker.api`: a function loads what it needs)
from uuid import uuid4

from worker.domain.backfill import Backfill, Only, months_of
from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import BadRequestError
from worker.domain.source import Source
from worker.overview import status


def plan_backfill(
    *sources: Source, start: str, end: str, only: Only = Only.MISSING, max_active: int = 2, newest_first: bool = False
) -> Backfill:
    """What a backfill of these sources would ask for, from ``start`` to before ``end`` (``YYYY-MM``). Nothing is written.

    BadRequestError when there are no such months, or none of them may be under way.
    """
    from worker.reading import reading_table
    from worker.services import plan_backfill as planning

    first, after_last = BillingPeriod.parse(start), BillingPeriod.parse(end)
    if first >= after_last or max_active < 1:
        remedy = "begin with the earlier month, and let one month at least be under way"
        raise BadRequestError(f"{start} to before {end}, {max_active} at a time, is nothing", "usage", remedy)
    known = planning.known_months(reading_table().records(), status())
    months = months_of(sources, first, after_last, newest_first=newest_first)
    return planning.plan_backfill(f"backfill-{uuid4().hex[:12]}", max_active, months, known, only)


def backfill(url: str, planned: Backfill) -> None:
    """Ask for the months, and return. From here on the watchdog begins one whenever there is room, whatever ends."""
    from worker.bootstrap import backfills

    backfills(url).open(planned)
