"""What waits, as a test says."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from tests.fakes.ledger import FakeLedger
from worker.domain.outcome import RunState


@dataclass(slots=True)
class FakeBacklog:
    """`worker.ports.workers.Backlog` whose queues are what was put there: when each message was sent, the oldest first."""

    ledger: FakeLedger
    queues: dict[str, list[datetime]] = field(default_factory=dict)

    def waiting(self, queue: str) -> tuple[int, datetime | None]:
        messages = self.queues.get(queue, [])
        return len(messages), next(iter(messages), None)

    def active_runs(self) -> int:
        return sum(run.state is RunState.RUNNING for run in self.ledger.runs.values())
