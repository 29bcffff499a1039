"""The watchdog's look at backfills: for each month that has ended, the next one may begin."""

from __future__ import annotations

from worker.domain.errors import NotFoundError
from worker.domain.outcome import RunState
from worker.services.follow import look
from worker.services.plan_again import healing_id
from worker.services.world import World


def advance_backfills(world: World) -> tuple[str, ...]:
    """Open the months whose turn has come, and return their triggers' ids, to be sent. What stands in the ledger decides.

    Running it twice, or beside itself, opens none twice; one whose message is lost is sent again as any other trigger.
    """
    opened: list[str] = []
    for backfill_id, active in world.backfills.active().items():
        for trigger_id in active:
            if _has_ended(world, trigger_id):
                world.backfills.end(backfill_id, trigger_id)
        opened += world.backfills.start(backfill_id)
    return tuple(opened)


def _has_ended(world: World, trigger_id: str) -> bool:
    """Whether nothing more comes of the month. One that is tried again by itself keeps its place until that has ended."""
    try:
        standing = look(world.triggers, world.ledger, trigger_id)
    except NotFoundError:  # there is no such attempt, or it is so old that it was forgotten
        return True
    failed = (report for report in standing.reports if report.state is RunState.FAILED)
    return standing.ended and all(_has_ended(world, healing_id(report)) for report in failed)
