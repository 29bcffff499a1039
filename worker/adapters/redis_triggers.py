"""Triggers in Redis: who asked for runs, and what came of it. Each is kept for seven days."""

from __future__ import annotations

from worker.adapters import redis_keys as keys
from worker.adapters.codec import dump, load
from worker.adapters.redis_broker import Argument, Broker
from worker.adapters.redis_keys import TriggerKeys
from worker.domain.errors import NotFoundError
from worker.domain.report import RunReport
from worker.domain.trigger import Trigger, TriggerState


class RedisTriggers:
    """`Triggers` on a broker. What is said about a trigger that is no longer kept is not kept either."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def open(self, trigger: Trigger) -> None:
        """Keep the trigger, which now wants planning, or later. Opened again under the same id, it stays what it was.

        One for later is forgotten while another for the same month waits.
        """
        self._broker.run("open_trigger", *opening(trigger))

    def get(self, trigger_id: str) -> Trigger:
        """The trigger as it was opened."""
        [value] = self._broker.read(("HGET", TriggerKeys.of(trigger_id).trigger, "value"))
        if value is None:
            raise _unknown(trigger_id)
        return load(Trigger, value)

    def state(self, trigger_id: str) -> TriggerState:
        """What came of it so far: runs in the order they were attached, reports by source, connector and month."""
        kept = TriggerKeys.of(trigger_id)
        (value, planned), run_ids, reports = self._broker.read(
            ("HMGET", kept.trigger, "value", "planned"), ("ZRANGE", kept.runs, 0, -1), ("HGETALL", kept.reports)
        )
        if value is None:
            raise _unknown(trigger_id)
        return TriggerState(
            planned=bool(planned),
            run_ids=tuple(run_ids),
            reports=tuple(load(RunReport, report) for _, report in sorted(reports.items())),
        )

    def attach(self, trigger_id: str, run_id: str) -> None:
        """The run serves this trigger (too)."""
        kept = TriggerKeys.of(trigger_id)
        args: list[Argument] = [trigger_id, run_id, keys.TRIGGER_SECONDS]
        self._broker.run("attach_run", [kept.trigger, kept.runs, keys.OPEN_TRIGGERS], args)

    def conclude(self, trigger_id: str, report: RunReport) -> None:
        """What needed no run. A later report of the same source, connector and month takes the place of the earlier."""
        kept = TriggerKeys.of(trigger_id)
        month = "/".join((report.org_id, report.source_name, report.connector, report.billing_period or ""))
        args: list[Argument] = [trigger_id, month, dump(report), keys.TRIGGER_SECONDS]
        self._broker.run("conclude_month", [kept.trigger, kept.reports, keys.OPEN_TRIGGERS], args)

    def planned(self, trigger_id: str) -> None:
        """Nothing more will be attached or concluded."""
        self._broker.run("plan_trigger", [TriggerKeys.of(trigger_id).trigger, keys.OPEN_TRIGGERS], [trigger_id])


def opening(trigger: Trigger) -> tuple[list[str], list[Argument]]:
    """The keys and arguments of every script that opens a trigger."""
    kept = TriggerKeys.of(trigger.trigger_id).trigger
    args: list[Argument] = [trigger.trigger_id, dump(trigger), keys.TRIGGER_SECONDS, trigger.after_seconds]
    return [kept, keys.OPEN_TRIGGERS, keys.LATER_TRIGGERS, keys.waiting(trigger)], args


def _unknown(trigger_id: str) -> NotFoundError:
    return NotFoundError(f"trigger {trigger_id} is not known", remedy="triggers are kept for seven days: trigger again")
