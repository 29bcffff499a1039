"""Triggers in memory; see `tests/fakes/ledger.py`."""

from __future__ import annotations

from datetime import datetime, timedelta

from worker.domain.errors import NotFoundError
from worker.domain.report import RunReport
from worker.domain.trigger import Trigger, TriggerState
from worker.ports.clock import Clock


class FakeTriggers:
    """`Triggers` in a dictionary.

    ``heard`` is when the coordinator of an unplanned trigger last said something, ``later`` when one that waits is due.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.known: dict[str, Trigger] = {}
        self.heard: dict[str, datetime] = {}
        self.later: dict[str, datetime] = {}
        self.runs: dict[str, dict[str, None]] = {}
        self.reports: dict[str, dict[tuple[str, ...], RunReport]] = {}

    def open(self, trigger: Trigger) -> None:
        if trigger.after_seconds and self._somebody_waits_beside(trigger):
            return
        if trigger.trigger_id not in self.known:
            self.known[trigger.trigger_id] = trigger
            index = self.later if trigger.after_seconds else self.heard
            index[trigger.trigger_id] = self.clock.now() + timedelta(seconds=trigger.after_seconds)
            self.runs[trigger.trigger_id], self.reports[trigger.trigger_id] = {}, {}

    def get(self, trigger_id: str) -> Trigger:
        if trigger_id not in self.known:
            raise NotFoundError(trigger_id)
        return self.known[trigger_id]

    def state(self, trigger_id: str) -> TriggerState:
        self.get(trigger_id)
        reports = [report for _, report in sorted(self.reports[trigger_id].items(), key=lambda item: item[0])]
        planned = trigger_id not in self.heard and trigger_id not in self.later
        return TriggerState(planned, tuple(self.runs[trigger_id]), tuple(reports))

    def attach(self, trigger_id: str, run_id: str) -> None:
        if self._hear_of(trigger_id):
            self.runs[trigger_id].setdefault(run_id)

    def conclude(self, trigger_id: str, report: RunReport) -> None:
        if self._hear_of(trigger_id):
            month = (report.org_id, report.source_name, report.connector, report.billing_period or "")
            self.reports[trigger_id][month] = report

    def planned(self, trigger_id: str) -> None:
        self.heard.pop(trigger_id, None)

    def come_due(self) -> list[str]:
        """Those whose time has come; from now on they are like any other."""
        due = [each for each, at in self.later.items() if at <= self.clock.now()]
        for trigger_id in due:
            del self.later[trigger_id]
            self.heard[trigger_id] = self.clock.now()
        return due

    def _somebody_waits_beside(self, trigger: Trigger) -> bool:
        about = (trigger.sources, trigger.start)
        waiting = (self.known[each] for each, at in self.later.items() if at > self.clock.now())
        return any((each.sources, each.start) == about for each in waiting)

    def _hear_of(self, trigger_id: str) -> bool:
        if trigger_id in self.heard:
            self.heard[trigger_id] = self.clock.now()
        return trigger_id in self.known
