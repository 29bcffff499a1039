"""The watchdog's eyes on the ledger in memory (`tests/fakes/ledger.py`)."""

from __future__ import annotations

from datetime import datetime

from tests.fakes.ledger import FakeLedger, FakeRun
from worker.adapters.redis_leases import MOST_LOSSES
from worker.adapters.redis_repairer import Patience
from worker.domain.trigger import Trigger
from worker.ports.ledger import Repairs


class FakeRepairer:
    """`Repairer` on a `FakeLedger`."""

    def __init__(self, ledger: FakeLedger, patience: Patience | None = None) -> None:
        self.ledger = ledger
        self.patience = patience or Patience()

    def inspect(self, *, files_queue_is_empty: bool) -> tuple[Repairs, ...]:
        with self.ledger.step:
            running = [(run_id, run) for run_id, run in self.ledger.runs.items() if run.is_running]
            looks = [self._look(run_id, run, queue_is_empty=files_queue_is_empty) for run_id, run in running]
        return tuple(repairs for repairs in looks if repairs)

    def stale_triggers(self) -> tuple[Trigger, ...]:
        triggers = self.ledger.triggers
        stale = [each for each, at in triggers.heard.items() if self._since(at) >= self.patience.stale_seconds]
        for trigger_id in stale:
            triggers.heard[trigger_id] = self.ledger.clock.now()
        return tuple(triggers.known[trigger_id] for trigger_id in (*stale, *triggers.come_due()))

    def _look(self, run_id: str, run: FakeRun, *, queue_is_empty: bool) -> Repairs | None:
        if self._since(run.opened) >= self.patience.deadline_seconds:
            return Repairs(run_id, run.generation, overdue=True)
        if not run.pending or run.cancelled:
            return Repairs(run_id, run.generation, publish=True) if self._wants_its_end(run) else None
        left = self._left(run, queue_is_empty=queue_is_empty)
        for digest in left:
            if run.losses[digest] >= MOST_LOSSES:
                self.ledger.quarantine(run_id, digest)
        resend = tuple(sorted(left & run.pending))
        if not resend:
            return None
        run.generation, run.moved = run.generation + 1, self.ledger.clock.now()
        return Repairs(run_id, run.generation, resend)

    def _wants_its_end(self, run: FakeRun) -> bool:
        waits_since, patience = run.cancelled or run.moved, self.patience.publish_after_seconds
        if run.asked:
            waits_since, patience = run.asked, self.patience.stale_seconds
        wants = self._since(waits_since) >= patience
        run.asked = self.ledger.clock.now() if wants else run.asked
        return wants

    def _left(self, run: FakeRun, *, queue_is_empty: bool) -> frozenset[str]:
        leases = run.leases.items()
        expired = frozenset(each for each, (_, at) in leases if self._since(at) >= self.patience.lease_seconds)
        for digest in expired:
            del run.leases[digest]
            run.losses[digest] += 1
        quiet = self._since(run.moved) / 2**run.resends
        if quiet < self.patience.crowded_seconds and not (queue_is_empty and quiet >= self.patience.stale_seconds):
            return expired
        unleased = run.pending - run.leases.keys()
        run.resends += bool(unleased)
        return unleased

    def _since(self, at: datetime) -> float:
        return (self.ledger.clock.now() - at).total_seconds()
