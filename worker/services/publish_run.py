"""Make a run's parts the month, in one commit; or say why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from worker.domain.errors import ChangedError, Failure, IngestError
from worker.domain.outcome import FileOutcome, RunState
from worker.domain.plan import RunPlan
from worker.domain.publication import Held, Publication, publication
from worker.domain.report import RunReport
from worker.domain.retry import WorthAnother
from worker.domain.trigger import Trigger, successor
from worker.ports.ledger import RunProgress
from worker.ports.reports import ReportStore
from worker.services import reporting
from worker.services.announcing import about, run_ended
from worker.services.ingest_file import CHANGED
from worker.services.plan_again import healing, same_month
from worker.services.world import World

MOST_SUPERSESSIONS = 4
"""A delivery that changes under every plan is planned again so often, and then the run is closed as failed."""


def publish_run(world: World, run_id: str, worth_another: WorthAnother) -> str | None:
    """Publish a run whose every file has its outcome. If it was superseded, returns the trigger that plans it again.

    Runs any number of times, publishes once: a run that has ended, or still waits for a file, is left alone.
    """
    progress = world.ledger.progress(run_id)
    if progress.state is not RunState.RUNNING:
        return None
    plan = world.ledger.plan(run_id)
    with world.telemetry.span("aws.publish", **about(plan, run_id), files=len(plan.files)):
        return _end(world, plan, progress, worth_another)


def _end(world: World, plan: RunPlan, progress: RunProgress, worth_another: WorthAnother) -> str | None:
    run_id, outcomes = progress.run_id, world.ledger.outcomes(progress.run_id)
    if world.ledger.is_cancelled(run_id):
        close_run(world, plan, reporting.ended(run_id, plan, RunState.CANCELLED, outcomes, world.clock.now()))
        return None
    if progress.done < progress.total:
        return None
    report = _attempted(world, run_id, plan, outcomes, worth_another)
    if report.state is not RunState.SUPERSEDED:
        close_run(world, plan, report)
        return None
    return _planned_again(world, plan, report)


def _attempted(
    world: World, run_id: str, plan: RunPlan, outcomes: Mapping[str, FileOutcome], worth_another: WorthAnother
) -> RunReport:
    """How the run ends; what asking AWS once more cost is counted, whatever came of it."""
    store = world.stores(plan.source)
    before = store.requests
    try:
        return _decide(world, run_id, plan, outcomes, store)
    except IngestError as error:
        if worth_another(error):
            raise
        return reporting.ended(run_id, plan, RunState.FAILED, outcomes, world.clock.now(), Failure.of(error))
    finally:
        world.ledger.spend(run_id, store.requests - before)


def _planned_again(world: World, plan: RunPlan, report: RunReport) -> str | None:
    """End a superseded run; returns the trigger of its successor, unless somebody else ended the run meanwhile."""
    again = replace(same_month(plan, successor(report.run_id)), supersessions=plan.supersessions + 1)
    return again.trigger_id if close_run(world, plan, report, again) else None


def close_run(world: World, plan: RunPlan, report: RunReport, again: Trigger | None = None) -> bool:
    """End a run with its report, completed by what the ledger counted; False if it had ended already.

    ``again`` goes on from it. A run that failed by what may pass has one in any case, which waits for its time.
    """
    progress = world.ledger.progress(report.run_id)
    report = replace(report, requests=progress.requests, seconds=progress.seconds)
    if again is None:
        report, again = healing(world, report, same_month(plan, report.run_id))
    if not world.ledger.close(report.run_id, report, again):
        return False
    world.reports.keep(report)
    world.telemetry.note(state=report.state, rows=report.balance.read.rows)
    run_ended(world.telemetry, report)
    return True


def _decide(
    world: World, run_id: str, plan: RunPlan, outcomes: Mapping[str, FileOutcome], store: ReportStore
) -> RunReport:
    failures = [outcome.failure for outcome in outcomes.values() if outcome.failure]
    if any(failure.code == CHANGED for failure in failures):
        return _superseded(world, run_id, plan, outcomes)
    if failures:
        return reporting.ended(run_id, plan, RunState.FAILED, outcomes, world.clock.now())
    if not _is_as_planned(plan, store):
        return _superseded(world, run_id, plan, outcomes)

    def decide(held: Held) -> Publication | None:
        if held.record and held.record.run_id == run_id:
            return None
        decided = publication(plan, run_id, outcomes, held, world.clock.now())
        _require_parts(world, plan, outcomes)
        return decided

    try:
        record, snapshot_id = world.table.publish(plan.slot, decide)
    except ChangedError:
        return _superseded(world, run_id, plan, outcomes)
    return reporting.published(plan, record, snapshot_id, outcomes, world.clock.now())


def _require_parts(world: World, plan: RunPlan, outcomes: Mapping[str, FileOutcome]) -> None:
    """`vacuum` may have deleted a part between its outcome and now. Planned again, the file is converted again."""
    gone = next((outcome for outcome in outcomes.values() if not world.parts.has(outcome)), None)
    if gone:
        raise ChangedError(f"{plan.source.name} {plan.period}: the part of {gone.key} is no longer in the warehouse")


def _is_as_planned(plan: RunPlan, store: ReportStore) -> bool:
    """The manifest unchanged, and every file still there as it was: else what was read is no delivery that AWS made."""
    if store.read_manifest(plan.manifest_path, if_none_match=plan.manifest_etag) is not None:
        return False
    listed = {each.key: each.etag for each in store.list()}
    return all(listed.get(file.path) == file.etag for file in plan.files)


def _superseded(world: World, run_id: str, plan: RunPlan, outcomes: Mapping[str, FileOutcome]) -> RunReport:
    now = world.clock.now()
    if plan.supersessions < MOST_SUPERSESSIONS:
        return reporting.ended(run_id, plan, RunState.SUPERSEDED, {}, now)
    message = f"the delivery of {plan.period} changed under {plan.supersessions + 1} plans in a row"
    error = ChangedError(message, CHANGED, "AWS may be delivering; ingest again in an hour")
    return reporting.ended(run_id, plan, RunState.FAILED, outcomes, now, Failure.of(error))
