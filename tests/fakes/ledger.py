"""The run ledger in memory: the same promises as the one in Redis, kept by the same suite (`tests/contracts/test_run_ledger.py`)."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tests.fakes.triggers import FakeTriggers
from worker.adapters.redis_leases import MOST_LOSSES, worker_lost
from worker.domain.errors import NotFoundError
from worker.domain.outcome import FileOutcome, RunState
from worker.domain.plan import FileJob, RunPlan, Slot
from worker.domain.report import RunReport
from worker.domain.trigger import Trigger
from worker.ports.clock import Clock
from worker.ports.ledger import RunProgress


@dataclass(slots=True)
class FakeRun:
    """One run. A lease is its holder's token and when it was last renewed."""

    plan: RunPlan
    opened: datetime
    moved: datetime
    requests: int
    state: RunState = RunState.RUNNING
    report: RunReport | None = None
    closed: datetime | None = None
    cancelled: datetime | None = None
    asked: datetime | None = None
    generation: int = 0
    resends: int = 0
    outcomes: dict[str, FileOutcome] = field(default_factory=dict)
    leases: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    deliveries: Counter[str] = field(default_factory=Counter)
    losses: Counter[str] = field(default_factory=Counter)

    @property
    def pending(self) -> frozenset[str]:
        return self.plan.add - self.outcomes.keys()

    @property
    def is_running(self) -> bool:
        return self.state is RunState.RUNNING


class FakeLedger:
    """`RunLedger` and `FileLeases` in dictionaries, one step at a time."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.triggers = FakeTriggers(clock)
        self.runs: dict[str, FakeRun] = {}
        self.slots: dict[Slot, str] = {}
        self.step = threading.RLock()

    def open(self, plan: RunPlan, trigger_id: str) -> tuple[str, bool]:
        with self.step:
            attempts = sum(run.plan.base_id == plan.base_id for run in self.runs.values())
            run_id = f"{plan.base_id}-{attempts}"
            is_new = attempts == 0 or not self.runs[run_id].is_running
            if is_new:
                run_id, now = f"{plan.base_id}-{attempts + 1}", self.clock.now()
                self.runs[run_id] = FakeRun(plan, now, now, plan.requests)
                self.slots[plan.slot] = run_id
            self.triggers.attach(trigger_id, run_id)
            return run_id, is_new

    def plan(self, run_id: str) -> RunPlan:
        return self._run(run_id).plan

    def outcomes(self, run_id: str) -> Mapping[str, FileOutcome]:
        return dict(self.runs[run_id].outcomes) if run_id in self.runs else {}

    def progress(self, run_id: str) -> RunProgress:
        run = self._run(run_id)
        done = run.outcomes.values()
        failed = sum(outcome.failure is not None for outcome in done)
        rows, bytes_read = sum(each.balance.read.rows for each in done), sum(each.bytes_read for each in done)
        seconds = ((run.closed or self.clock.now()) - run.opened).total_seconds()
        counts = (len(run.plan.add), len(done), failed, rows, bytes_read, run.requests)
        return RunProgress(run_id, run.state, *counts, seconds)

    def spend(self, run_id: str, requests: int) -> None:
        if run_id in self.runs:
            self.runs[run_id].requests += requests

    def cancel(self, run_id: str) -> bool:
        run = self.runs.get(run_id)
        if run is None or not run.is_running:
            return False
        run.cancelled = run.cancelled or self.clock.now()
        return True

    def is_cancelled(self, run_id: str) -> bool:
        return run_id in self.runs and self.runs[run_id].cancelled is not None

    def close(self, run_id: str, report: RunReport, again: Trigger | None = None) -> bool:
        with self.step:
            run = self.runs.get(run_id)
            if run is None or not run.is_running:
                return False
            run.state, run.report, run.closed = report.state, report, self.clock.now()
            if again:
                self.triggers.open(again)
            return True

    def report(self, run_id: str) -> RunReport | None:
        return self.runs[run_id].report if run_id in self.runs else None

    def recent(self, limit: int) -> tuple[str, ...]:
        return tuple(reversed(self.runs))[:limit]

    def digests_in_use(self, closed_within_seconds: float) -> frozenset[str]:
        oldest = self.clock.now() - timedelta(seconds=closed_within_seconds)
        named = (run for run in self.runs.values() if run.is_running or (run.closed and run.closed >= oldest))
        return frozenset(file.digest for run in named for file in run.plan.files)

    def newest(self, slot: Slot) -> str | None:
        return self.slots.get(slot)

    def claim(self, run_id: str, digest: str, token: str) -> FileJob | None:
        with self.step:
            run = self.runs.get(run_id)
            if run is None or not run.is_running or run.cancelled or digest not in run.pending:
                return None
            run.moved = self.clock.now()
            run.leases[digest] = (token, run.moved)
            run.deliveries[digest] += 1
            file = next(file for file in run.plan.files if file.digest == digest)
            return FileJob(run_id, replace(run.plan, files=(), add=frozenset()), file)

    def renew(self, run_id: str, digest: str, token: str) -> bool:
        if not self.holds(run_id, digest, token):
            return False
        self.runs[run_id].leases[digest] = (token, self.clock.now())
        return True

    def holds(self, run_id: str, digest: str, token: str) -> bool:
        run = self.runs.get(run_id)
        return run is not None and run.is_running and not run.cancelled and _holds(run, digest, token)

    def give_back(self, run_id: str, digest: str, token: str) -> None:
        if run_id in self.runs and _holds(self.runs[run_id], digest, token):
            del self.runs[run_id].leases[digest]

    def record(self, run_id: str, outcome: FileOutcome) -> bool:
        with self.step:
            run = self.runs.get(run_id)
            if run is None or not run.is_running:
                return False
            if outcome.digest in run.pending:
                run.outcomes[outcome.digest] = outcome
                run.leases.pop(outcome.digest, None)
                run.requests += outcome.requests
                run.moved, run.resends = self.clock.now(), 0
            return not run.pending

    def lose(self, run_id: str, digest: str) -> int:
        with self.step:
            run = self.runs.get(run_id)
            if run is None:
                return 0
            if run.is_running and digest in run.pending:
                run.leases.pop(digest, None)
                run.losses[digest] += 1
                run.moved = self.clock.now()
            if run.losses[digest] >= MOST_LOSSES:
                self.quarantine(run_id, digest)
            return run.losses[digest]

    def quarantine(self, run_id: str, digest: str) -> None:
        plan = self.runs[run_id].plan
        for file in plan.files:
            if file.digest == digest:
                self.record(run_id, worker_lost(run_id, plan, file))

    def deliveries(self, run_id: str) -> Mapping[str, int]:
        return dict(self.runs[run_id].deliveries)

    def _run(self, run_id: str) -> FakeRun:
        if run_id not in self.runs:
            raise NotFoundError(run_id)
        return self.runs[run_id]


def _holds(run: FakeRun, digest: str, token: str) -> bool:
    return digest in run.leases and run.leases[digest][0] == token
