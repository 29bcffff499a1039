"""From a trigger to runs: plan every source, write each plan into the ledger first, and say what is to be sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import IngestError
from worker.domain.plan import RunPlan
from worker.domain.report import RunReport
from worker.domain.retry import WorthAnother
from worker.domain.source import Source
from worker.domain.trigger import Trigger
from worker.services import reporting
from worker.services.announcing import run_ended, span_of
from worker.services.dispatch import Dispatch
from worker.services.plan_again import healing
from worker.services.plan_runs import plan_source
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
            yield from _ingest(world, trigger, source, worth_another)
        except IngestError as error:
            postponed = error
    if postponed:
        raise postponed
    world.triggers.planned(trigger.trigger_id)


def _ingest(world: World, trigger: Trigger, source: Source, worth_another: WorthAnother) -> Iterator[Dispatch]:
    """Plan one source. What is sent for a dispatch is sent inside its span, so that the files and the publication are, too."""
    whose = {"source_name": source.name, "org_id": source.org_id, "connector": source.connector}
    with world.telemetry.span(span_of(source), **whose, trigger_id=trigger.trigger_id):
        try:
            for planned in plan_source(world, source, trigger, worth_another):
                yield from _settle(world, trigger, source, planned)
        except IngestError as error:
            if worth_another(error):
                raise
            refused = reporting.refused(trigger.trigger_id, source, None, error, world.clock.now())
            _conclude(world, trigger, source, refused)


def _settle(world: World, trigger: Trigger, source: Source, planned: RunPlan | RunReport) -> Iterator[Dispatch]:
    if isinstance(planned, RunReport):
        _conclude(world, trigger, source, planned)
        return
    run_id, is_new = world.ledger.open(planned, trigger.trigger_id)
    if not is_new:
        return
    counts = {"files": len(planned.files), "to_ingest": len(planned.add)}
    world.telemetry.note(run_id=run_id, **counts)
    world.telemetry.emit("run.opened", run_id=run_id, **counts)
    biggest_first = sorted(planned.files, key=lambda file: file.size, reverse=True)
    digests = tuple(file.digest for file in biggest_first if file.digest in planned.add)
    yield Dispatch(run_id, digests, background=planned.background)


def _conclude(world: World, trigger: Trigger, source: Source, report: RunReport) -> None:
    report, again = healing(world, report, _narrowed(trigger, source, report.billing_period))
    if again:
        world.triggers.open(again)
    world.triggers.conclude(trigger.trigger_id, report)
    world.reports.keep(report)  # a month found up to date, too: it takes the place of an earlier failure
    run_ended(world.telemetry, report)


def _narrowed(trigger: Trigger, source: Source, period: str | None) -> Trigger:
    """What was asked for, of this source alone, and of this month if it is known."""
    asked = replace(trigger, names=(), sources=(source,))
    if period is None:
        return asked
    month = BillingPeriod.parse(period)
    return replace(asked, start=month, end=month.next())
