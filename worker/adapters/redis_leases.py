"""The leases of a run's files in Redis: who works on what, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping

from worker.adapters.codec import dump, load
from worker.adapters.redis_broker import Broker
from worker.adapters.redis_keys import RunKeys
from worker.adapters.redis_ledger import planned_file
from worker.domain.errors import ErrorClass, Failure
from worker.domain.outcome import FileOutcome, RunState
from worker.domain.plan import FileJob, PlannedFile, RunPlan

MOST_LOSSES = 3
"""A file that took so many workers with it is not given to another."""


class RedisFileLeases:
    """`FileLeases` on a broker. The last to claim a file holds it; the first to record its outcome decides it."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def claim(self, run_id: str, digest: str, token: str) -> FileJob | None:
        """The job, now leased to ``token``; None when its outcome is known or its run has ended or been cancelled.

        The plan in it is without files: a worker needs its own only.
        """
        run = RunKeys.of(run_id)
        kept = [run.run, run.files, run.pending, run.leases, run.holders, run.deliveries]
        claimed = self._broker.run("claim_file", kept, [digest, token])
        if claimed is None:
            return None
        head, file = claimed
        return FileJob(run_id, load(RunPlan, head), planned_file(file))

    def renew(self, run_id: str, digest: str, token: str) -> bool:
        """False when the run has ended or been cancelled, or the lease is no longer this worker's: stop working."""
        run = RunKeys.of(run_id)
        return bool(self._broker.run("renew_lease", [run.run, run.leases, run.holders], [digest, token]))

    def holds(self, run_id: str, digest: str, token: str) -> bool:
        """Whether a renewal would be granted. It writes nothing, and so costs the server's disk nothing."""
        run = RunKeys.of(run_id)
        [(state, cancelled), holder] = self._broker.read(
            ("HMGET", run.run, "state", "cancelled"), ("HGET", run.holders, digest)
        )
        return state == RunState.RUNNING and cancelled is None and holder == token

    def give_back(self, run_id: str, digest: str, token: str) -> None:
        """The worker stops and did not lose the file. A lease that is somebody else's stays theirs."""
        run = RunKeys.of(run_id)
        self._broker.run("give_back_lease", [run.leases, run.holders], [digest, token])

    def record(self, run_id: str, outcome: FileOutcome) -> bool:
        """The file's outcome; the first one stays. True when every file to ingest has one now.

        Nothing is recorded for a run that has ended or a file that it does not ingest.
        """
        run = RunKeys.of(run_id)
        counts = [int(outcome.failure is not None), outcome.balance.read.rows, outcome.bytes_read, outcome.requests]
        kept = [run.run, run.pending, run.outcomes, run.leases, run.holders]
        return bool(self._broker.run("record_outcome", kept, [outcome.digest, dump(outcome), *counts]))

    def lose(self, run_id: str, digest: str) -> int:
        """A worker was seen to die over the file: its lease is dropped. Returns the losses; the third fails the file."""
        run = RunKeys.of(run_id)
        kept = [run.run, run.pending, run.leases, run.holders, run.losses]
        losses = int(self._broker.run("lose_file", kept, [digest]))
        if losses >= MOST_LOSSES:
            self.quarantine(run_id, digest)
        return losses

    def quarantine(self, run_id: str, digest: str) -> None:
        """Record the file as lost with its workers, unless it has an outcome or is of no run."""
        run = RunKeys.of(run_id)
        head, file = self._broker.read(("HGET", run.run, "plan"), ("HGET", run.files, digest))
        if head is not None and file is not None:
            self.record(run_id, worker_lost(run_id, load(RunPlan, head), planned_file(file)))

    def deliveries(self, run_id: str) -> Mapping[str, int]:
        """How often each file was claimed, by digest; a file never claimed is not in it."""
        [found] = self._broker.read(("HGETALL", RunKeys.of(run_id).deliveries))
        return {digest: int(count) for digest, count in found.items()}


def worker_lost(run_id: str, plan: RunPlan, file: PlannedFile) -> FileOutcome:
    """The outcome of a file that every worker died over."""
    failure = Failure(
        ErrorClass.FATAL,
        f"{MOST_LOSSES} workers were lost over {file.key}",
        code="worker_lost",
        remedy=f"look at the workers' memory and at this file, then `offgridflow retry {run_id}`",
        file=file.key,
    )
    return FileOutcome(file.digest, file.key, run_id, plan.version_id, attempts=MOST_LOSSES, failure=failure)
