"""Every Redis key of ours, ``offgridflow:{kind}:{id}``, and how long each may live. Scripts build none."""

from __future__ import annotations

from dataclasses import dataclass

from worker.domain.plan import Slot
from worker.domain.trigger import Trigger

HOUR_SECONDS = 3600
DAY_SECONDS = 24 * HOUR_SECONDS

RUNNING_MARGIN_SECONDS = DAY_SECONDS
"""A running run outlives its deadline by this much, so that a watchdog that was away can still close it."""

CLOSED_SECONDS = 30 * DAY_SECONDS

PUBLISHED_SECONDS = HOUR_SECONDS
"""For what is known of a published run's files: the publication record has it too, and ten thousand of them are 27 MB."""

ATTEMPTS_SECONDS = 400 * DAY_SECONDS
"""Attempt numbers outlive the runs by far: a run id in a published row should not name two runs."""

TRIGGER_SECONDS = 7 * DAY_SECONDS

BACKFILL_SECONDS = 30 * DAY_SECONDS


def key(kind: str, identity: str) -> str:
    """The key of one thing of a kind."""
    return f"offgridflow:{kind}:{identity}"


ACTIVE_RUNS = key("runs", "active")
RECENT_RUNS = key("runs", "recent")
OPEN_TRIGGERS = key("triggers", "open")
LATER_TRIGGERS = key("triggers", "later")
BACKFILLS = key("backfills", "open")


@dataclass(frozen=True, slots=True)
class RunKeys:
    """What is kept of one run.

    ``run`` is its plan without the files, its state and its counters. By digest: ``files`` as planned, ``pending`` those
    without an outcome, ``outcomes``, ``leases`` by the time of their last renewal, the ``holders`` of those leases,
    ``deliveries`` and ``losses`` counted.
    """

    run: str
    files: str
    pending: str
    outcomes: str
    leases: str
    holders: str
    deliveries: str
    losses: str

    @classmethod
    def of(cls, run_id: str) -> RunKeys:
        """The keys of the run of this id."""
        return cls(*(key(kind, run_id) for kind in cls.__dataclass_fields__))


@dataclass(frozen=True, slots=True)
class TriggerKeys:
    """What is kept of one trigger: itself, the ids of its runs in order, the reports of what needed no run."""

    trigger: str
    runs: str
    reports: str

    @classmethod
    def of(cls, trigger_id: str) -> TriggerKeys:
        """The keys of the trigger of this id."""
        kinds = ("trigger", "trigger-runs", "trigger-reports")
        return cls(*(key(kind, trigger_id) for kind in kinds))


@dataclass(frozen=True, slots=True)
class BackfillKeys:
    """What is kept of one backfill: triggers ``waiting`` in their order, and the ids of those ``active``."""

    waiting: str
    active: str

    @classmethod
    def of(cls, backfill_id: str) -> BackfillKeys:
        """The keys of the backfill of this id."""
        return cls(key("backfill-waiting", backfill_id), key("backfill-active", backfill_id))


def attempts(base_id: str) -> str:
    """Where the newest attempt of a plan is counted."""
    return key("attempts", base_id)


def waiting(trigger: Trigger) -> str:
    """Where the one trigger is named that waits for its time, of those about the same sources and month."""
    whose = ",".join(f"{source.org_id}/{source.name}/{source.kind}" for source in trigger.sources)
    return key("waiting", f"{whose}/{trigger.start}")


def newest(slot: Slot) -> str:
    """Where the newest run of a slot is named."""
    return key("newest", f"{slot.org_id}/{slot.source_name}/{slot.source}/{slot.period}")
