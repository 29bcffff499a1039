"""Which months a backfill asks for, by what is published and by how the last runs ended."""

from __future__ import annotations

from collections.abc import Iterable

from worker.domain.backfill import Backfill, KnownMonths, Only, month_trigger
from worker.domain.billing_period import BillingPeriod
from worker.domain.plan import Slot
from worker.domain.publication import PublicationRecord
from worker.domain.source import Source
from worker.domain.standing import Cell, Standing


def known_months(records: Iterable[PublicationRecord], standings: Iterable[Standing]) -> KnownMonths:
    """What the publication records and the grid of `offgridflow status` say of each month."""
    cells = tuple(standings)
    return KnownMonths(
        published=frozenset(record.slot for record in records),
        running=_slots(cells, Cell.RUNNING),
        failed=_slots(cells, Cell.FAILED),
    )


def plan_backfill(
    backfill_id: str, max_active: int, months: Iterable[tuple[Source, BillingPeriod]], known: KnownMonths, only: Only
) -> Backfill:
    """A trigger for each of the months that is wanted, in their order."""
    wanted = (
        month_trigger(backfill_id, source, period)
        for source, period in months
        if known.wants(Slot(source.org_id, source.name, source.kind, period), only)
    )
    return Backfill(backfill_id, max_active, tuple(wanted))


def _slots(standings: Iterable[Standing], cell: Cell) -> frozenset[Slot]:
    return frozenset(
        Slot(each.org_id, each.source_name, each.source, BillingPeriod.parse(each.period))
        for each in standings
        if each.cell is cell and each.period
    )
