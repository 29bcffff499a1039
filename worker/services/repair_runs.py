"""The watchdog's look: repair what a lost message or a killed worker left."""

from __future__ import annotations

from worker.domain.errors import ErrorClass, Failure
from worker.domain.outcome import RunState
from worker.ports.ledger import Repairs
from worker.services import reporting
from worker.services.advance_backfills import advance_backfills
from worker.services.dispatch import Dispatch
from worker.services.plan_again import DEADLINE
from worker.services.publish_run import close_run
from worker.services.world import World


def repair_runs(world: World, *, files_queue_is_empty: bool) -> tuple[tuple[Dispatch, ...], tuple[str, ...]]:
    """What to send again: messages of runs, and triggers that were never planned or whose time or turn has come.

    Runs past their deadline are closed.
    """
    found = world.repairer.inspect(files_queue_is_empty=files_queue_is_empty)
    for each in found:
        if each.overdue:
            _close_overdue(world, each.run_id)
    dispatches = tuple(
        Dispatch(each.run_id, each.resend, each.generation, background=_is_background(world, each))
        for each in found
        if not each.overdue and (each.resend or each.publish)
    )
    for sent in dispatches:
        world.telemetry.emit("run.repaired", run_id=sent.run_id, files=len(sent.digests), generation=sent.generation)
    stale = (trigger.trigger_id for trigger in world.repairer.stale_triggers())
    return dispatches, (*stale, *advance_backfills(world))


def _is_background(world: World, repairs: Repairs) -> bool:
    return bool(repairs.resend) and world.ledger.plan(repairs.run_id).background


def _close_overdue(world: World, run_id: str) -> None:
    plan, outcomes = world.ledger.plan(run_id), world.ledger.outcomes(run_id)
    missing = [file.key for file in plan.files if file.digest in plan.add and file.digest not in outcomes]
    late = [(f"{key} was not done before the run's deadline", key) for key in missing]
    late = late or [("the run was not published before its deadline", "")]
    failures = [
        Failure(ErrorClass.TRANSIENT, what, DEADLINE, f"`offgridflow retry {run_id}`", key) for what, key in late
    ]
    close_run(world, plan, reporting.ended(run_id, plan, RunState.FAILED, outcomes, world.clock.now(), *failures))
