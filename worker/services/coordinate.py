"""From a trigger to runs: plan every source, write each plan into the ledger first, and say what is to be sent."""

from __future__ import annotations

from collections.abc import Iterator

from worker.domain.errors import IngestError
from worker.domain.plan import RunPlan
from worker.domain.report import RunReport
from worker.domain.source import Source
from worker.domain.trigger import Trigger
from worker.services import reporting
from worker.services.dispatch import Dispatch
from worker.services.plan_runs import WorthAnother, plan_source
from worker.services.world import World


def coordinate(
    world: World, trigger: Trigger, sources: tuple[Source, ...], worth_another: WorthAnother
) -> Iterator[Dispatch]:
    """Plan all sources of a trigger, and yield what to send as soon as it is in the ledger.

    One source failing never loses the other: an error worth another attempt is raised at the end. Running it twice is
    harmless: a run that is in flight is joined, and its messages are not sent again.
    """
    postponed: IngestError | None = None
    for source in sources:
        try:
            for planned in plan_source(world, source, trigger, worth_another):
                yield from _settle(world, trigger, planned)
        except IngestError as error:
            if worth_another(error):
                postponed = error
            else:
                _conclude(world, trigger, reporting.refused(trigger.trigger_id, source, None, error, world.clock.now()))
    if postponed:
        raise postponed
    world.triggers.planned(trigger.trigger_id)


def _settle(world: World, trigger: Trigger, planned: RunPlan | RunReport) -> Iterator[Dispatch]:
    if isinstance(planned, RunReport):
        _conclude(world, trigger, planned)
        return
    run_id, is_new = world.ledger.open(planned, trigger.trigger_id)
    if not is_new:
        return
    world.telemetry.emit("run.opened", run_id=run_id, files=len(planned.files), to_ingest=len(planned.add))
    biggest_first = sorted(planned.files, key=lambda file: file.size, reverse=True)
    yield Dispatch(run_id, tuple(file.digest for file in biggest_first if file.digest in planned.add))


def _conclude(world: World, trigger: Trigger, report: RunReport) -> None:
    world.triggers.conclude(trigger.trigger_id, report)
    world.reports.keep(report)  # a month found up to date, too: it takes the place of an earlier failure
    if report.errors:
        world.telemetry.emit("failed to ingest S3 CUR", run_id=report.run_id, error=report.errors[0].message)
