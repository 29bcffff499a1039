"""The run ledger in Redis: what runs planned, how they stand, how they ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import chain

from worker.adapters import redis_keys as keys
from worker.adapters.codec import dump, load
from worker.adapters.redis_broker import Argument, Broker
from worker.adapters.redis_keys import RunKeys, TriggerKeys
from worker.adapters.redis_triggers import opening
from worker.domain.errors import NotFoundError
from worker.domain.outcome import FileOutcome, RunState
from worker.domain.plan import PlannedFile, RunPlan, Slot
from worker.domain.report import RunReport
from worker.domain.trigger import Trigger
from worker.ports.ledger import RunProgress

DEADLINE_SECONDS = 6 * 3600.0


class RedisRunLedger:
    """`RunLedger` on a broker. Each call is one atomic step there; a running run is kept until a day past its deadline."""

    def __init__(self, broker: Broker, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self._broker = broker
        self._running_seconds = int(deadline_seconds) + keys.RUNNING_MARGIN_SECONDS

    def open(self, plan: RunPlan, trigger_id: str) -> tuple[str, bool]:
        """The id of the running run of this plan, opened now (True) or found running (False); the trigger learns of it.

        The whole plan is in the ledger before the run can be seen. A run is the newest of its slot once it is opened.
        """
        while True:
            opened = self._open_after(self._newest_attempt(plan), plan, trigger_id)
            if opened is not None:
                return opened

    def plan(self, run_id: str) -> RunPlan:
        """The plan with all its files, in their order."""
        run = RunKeys.of(run_id)
        head, files, pending, done = self._broker.read(
            ("HGET", run.run, "plan"), ("HVALS", run.files), ("SMEMBERS", run.pending), ("HKEYS", run.outcomes)
        )
        if head is None:
            raise _unknown(run_id)
        add = frozenset(pending) | frozenset(done)
        return replace(load(RunPlan, head), files=tuple(map(planned_file, sorted(files))), add=add)

    def outcomes(self, run_id: str) -> Mapping[str, FileOutcome]:
        """By digest; empty for a run that is not in the ledger."""
        [found] = self._broker.read(("HGETALL", RunKeys.of(run_id).outcomes))
        return {digest: load(FileOutcome, outcome) for digest, outcome in found.items()}

    def progress(self, run_id: str) -> RunProgress:
        """How far the run is, from its counters. ``total`` is what it has to ingest, not what its month consists of."""
        counters = ("total", "done", "failed", "rows", "bytes_read", "requests")
        fields = ("state", "opened", "closed", *counters)
        (now, micros), (state, opened, closed, *counts) = self._broker.read(
            ("TIME",), ("HMGET", RunKeys.of(run_id).run, *fields)
        )
        if state is None:
            raise _unknown(run_id)
        seconds = float(closed or now + micros / 1e6) - float(opened)
        named = {name: int(count or 0) for name, count in zip(counters, counts, strict=True)}
        return RunProgress(run_id, RunState(state), **named, seconds=seconds)

    def spend(self, run_id: str, requests: int) -> None:
        """Count AWS requests that no file made."""
        self._broker.run("spend_requests", [RunKeys.of(run_id).run], [requests])

    def cancel(self, run_id: str) -> bool:
        """Ask the run to end: from now on nothing is claimed and no lease renewed. False if it had ended already."""
        return bool(self._broker.run("cancel_run", [RunKeys.of(run_id).run]))

    def is_cancelled(self, run_id: str) -> bool:
        """Whether the run was asked to end, be it closed by now or not."""
        [asked] = self._broker.read(("HEXISTS", RunKeys.of(run_id).run, "cancelled"))
        return bool(asked)

    def close(self, run_id: str, report: RunReport, again: Trigger | None = None) -> bool:
        """End the run with this report; False if it had ended already. It stays readable for 30 days, a published run's files for an hour.

        The trigger that goes on from it is opened in the same step, so that it is there when the end is seen.
        """
        run = RunKeys.of(run_id)
        kept = [run.files, run.pending, run.outcomes, run.deliveries, run.losses]
        files_seconds = keys.PUBLISHED_SECONDS if report.state is RunState.PUBLISHED else keys.CLOSED_SECONDS
        args: list[Argument] = [run_id, report.state, dump(report), keys.CLOSED_SECONDS, files_seconds]
        opened, how = opening(again) if again else ([], [])
        own = [run.run, run.leases, run.holders, keys.ACTIVE_RUNS, *kept]
        return bool(self._broker.run("close_run", [*own, *opened], [*args, *how]))

    def report(self, run_id: str) -> RunReport | None:
        """The report it was closed with."""
        [found] = self._broker.read(("HGET", RunKeys.of(run_id).run, "report"))
        return None if found is None else load(RunReport, found)

    def recent(self, limit: int) -> tuple[str, ...]:
        """Ids of the runs opened in the last 30 days, newest first."""
        [(now, _)] = self._broker.read(("TIME",))
        oldest = now - keys.CLOSED_SECONDS
        [found] = self._broker.read(("ZREVRANGEBYSCORE", keys.RECENT_RUNS, "+inf", oldest, "LIMIT", 0, limit))
        return tuple(found)

    def digests_in_use(self, closed_within_seconds: float) -> frozenset[str]:
        """Every file of every run that is running, or was closed no longer ago than this by the server's clock."""
        (now, micros), *runs = self._broker.read(
            ("TIME",), ("ZRANGE", keys.ACTIVE_RUNS, 0, -1), ("ZRANGE", keys.RECENT_RUNS, 0, -1)
        )
        oldest = now + micros / 1e6 - closed_within_seconds
        kept = [RunKeys.of(run_id) for run_id in sorted(set(chain(*runs)))]
        standings = self._broker.read(*(("HMGET", run.run, "state", "closed") for run in kept))
        in_use = set[str]()
        for run, (state, closed) in zip(kept, standings, strict=True):
            if state == RunState.RUNNING or (closed and float(closed) >= oldest):
                in_use.update(*self._broker.read(("HKEYS", run.files)))
        return frozenset(in_use)

    def newest(self, slot: Slot) -> str | None:
        """The run of the slot that was opened last. An older one that still runs must not replace what it publishes."""
        run_id: str | None
        [run_id] = self._broker.read(("GET", keys.newest(slot)))
        return run_id

    def _newest_attempt(self, plan: RunPlan) -> int:
        [newest] = self._broker.read(("GET", keys.attempts(plan.base_id)))
        return int(newest or 0)

    def _open_after(self, attempt: int, plan: RunPlan, trigger_id: str) -> tuple[str, bool] | None:
        """Open the attempt after this one; None when it is no longer the newest, because somebody else was faster."""
        previous_id, run_id = f"{plan.base_id}-{attempt}", f"{plan.base_id}-{attempt + 1}"
        run, trigger = RunKeys.of(run_id), TriggerKeys.of(trigger_id)
        indexes = [keys.attempts(plan.base_id), keys.newest(plan.slot), keys.ACTIVE_RUNS, keys.RECENT_RUNS]
        own = [RunKeys.of(previous_id).run, run.run, run.files, run.pending]
        head = dump(replace(plan, files=(), add=frozenset()))
        lifetimes = [self._running_seconds, keys.CLOSED_SECONDS, keys.ATTEMPTS_SECONDS]
        args: list[Argument] = [attempt, previous_id, run_id, head, plan.requests, *lifetimes]
        args += [trigger_id, keys.TRIGGER_SECONDS, len(plan.add), *plan.add]
        for position, file in enumerate(plan.files):
            args += [file.digest, _in_order(position, file)]
        opened = self._broker.run("open_run", [*indexes, *own, trigger.trigger, trigger.runs, keys.OPEN_TRIGGERS], args)
        return None if opened is None else (opened[0], bool(opened[1]))


def planned_file(text: str) -> PlannedFile:
    """A planned file as the ledger keeps it: behind its position in the plan, because a hash has no order."""
    return load(PlannedFile, text.partition(" ")[2])


def _in_order(position: int, file: PlannedFile) -> str:
    return f"{position:09d} {dump(file).decode()}"


def _unknown(run_id: str) -> NotFoundError:
    return NotFoundError(
        f"run {run_id} is not in the ledger", remedy="`offgridflow runs` lists the runs of the last 30 days"
    )
