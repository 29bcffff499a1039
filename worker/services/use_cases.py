"""What can be asked of the workers, bound to their world: the face that tasks and the Python API see."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass

from worker.domain.errors import Failure, IngestError, NotFoundError
from worker.domain.outcome import FileOutcome, RunState
from worker.domain.retry import WorthAnother
from worker.domain.source import Source
from worker.domain.trigger import Trigger
from worker.services import reporting
from worker.services.announcing import file_ended, run_ended
from worker.services.coordinate import coordinate
from worker.services.dispatch import Dispatch
from worker.services.ingest_file import ingest_file
from worker.services.publish_run import close_run, publish_run
from worker.services.repair_runs import repair_runs
from worker.services.watching import observe
from worker.services.world import World


@dataclass(frozen=True, slots=True)
class UseCases:
    """``configured`` reads the sources of the configuration, all or those named."""

    world: World
    configured: Callable[[tuple[str, ...]], tuple[Source, ...]]

    def open_trigger(self, trigger: Trigger) -> str:
        """Keep a trigger, to be planned by whoever gets its message; returns its id."""
        self.world.triggers.open(trigger)
        return trigger.trigger_id

    def open_slot(self, trigger_id: str, source_name: str, kind: str) -> str:
        """Keep the trigger of a turn of this kind of a source's schedule, once; returns its id.

        BadRequestError or NotFoundError when the source is configured no more.
        """
        sources = tuple(each for each in self.configured((source_name,)) if each.kind == kind)
        if not sources:
            raise NotFoundError(f"source {source_name} has no {kind}", "not_configured", "restart beat")
        return self.open_trigger(Trigger(trigger_id, sources=sources))

    def coordinate(self, trigger_id: str, worth_another: WorthAnother) -> Generator[Dispatch]:
        """Plan a trigger's runs. One that was planned is left alone: all that it wanted sent was sent."""
        trigger = self.world.triggers.get(trigger_id)
        if self.world.triggers.state(trigger_id).planned:
            return
        sources = trigger.sources or self.configured(trigger.names)
        yield from coordinate(self.world, trigger, sources, worth_another)

    def fail_trigger(self, trigger_id: str, error: IngestError) -> None:
        """Say on the trigger, for each of its sources, that it cannot be planned."""
        trigger = self.world.triggers.get(trigger_id)
        nobody = Source(", ".join(trigger.names) or "all sources", "", "")
        for source in trigger.sources or (nobody,):
            report = reporting.refused(trigger_id, source, None, error, self.world.clock.now())
            self.world.triggers.conclude(trigger_id, report)
            run_ended(self.world.telemetry, report)
        self.world.triggers.planned(trigger_id)

    def ingest_file(self, run_id: str, digest: str, token: str, attempt: int, worth_another: WorthAnother) -> None:
        """Ingest one file of a run."""
        ingest_file(self.world, run_id, digest, token, attempt, worth_another)

    def fail_file(self, run_id: str, digest: str, error: IngestError) -> None:
        """Give a file up: its failure is its outcome, unless it has one."""
        plan = self.world.ledger.plan(run_id)
        key = next((file.key for file in plan.files if file.digest == digest), digest)
        outcome = FileOutcome(digest, key, run_id, plan.version_id, failure=Failure.of(error, key))
        file_ended(self.world.telemetry, plan, run_id, outcome)
        self.world.leases.record(run_id, outcome)

    def publish_run(self, run_id: str, worth_another: WorthAnother) -> str | None:
        """Publish a run that is complete; the id of a trigger to send, if it must be planned again."""
        return publish_run(self.world, run_id, worth_another)

    def fail_run(self, run_id: str, error: IngestError) -> None:
        """Close a run as failed."""
        ledger, now = self.world.ledger, self.world.clock.now()
        plan, outcomes = ledger.plan(run_id), ledger.outcomes(run_id)
        close_run(self.world, plan, reporting.ended(run_id, plan, RunState.FAILED, outcomes, now, Failure.of(error)))

    def observe(self, queues: Iterable[str]) -> None:
        """Say what waits in these queues."""
        observe(self.world, queues)

    def repair_runs(self, *, files_queue_is_empty: bool) -> tuple[tuple[Dispatch, ...], tuple[str, ...]]:
        """One look of the watchdog: what to send again, runs and triggers."""
        return repair_runs(self.world, files_queue_is_empty=files_queue_is_empty)
