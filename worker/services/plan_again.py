"""A month that is to be planned again: because somebody asks, its delivery changed, or it failed by what may pass."""

from __future__ import annotations

from dataclasses import replace

from worker.domain.errors import ErrorClass
from worker.domain.outcome import RunState
from worker.domain.plan import RunPlan
from worker.domain.report import RunReport
from worker.domain.trigger import Trigger
from worker.services.world import World

HEAL_SECONDS = 300.0
DEADLINE = "deadline"
"""The code of what was not done in time. It had all the time there is, so it is not given more."""

HEALS = "only transient errors: it is tried again by itself in 5 minutes"


def same_month(plan: RunPlan, trigger_id: str) -> Trigger:
    """A trigger for the plan's month, under the plan's conditions."""
    return Trigger(
        trigger_id=trigger_id,
        sources=(plan.source,),
        start=plan.period,
        end=plan.period.next(),
        reconvert=plan.reconvert,
        max_rejected_percent=plan.max_rejected_percent,
        failing_since=plan.failing_since,
        background=plan.background,
    )


def healing(world: World, report: RunReport, asked: Trigger) -> tuple[RunReport, Trigger | None]:
    """The trigger that asks for the same in five minutes, and the report, which then says so.

    None unless the report has failed by transient errors alone, and the first of its kind less than a run's deadline ago.
    """
    since = asked.failing_since or report.at
    if not _may_pass(report) or report.at - since >= world.run_deadline:
        return report, None
    again = replace(asked, trigger_id=healing_id(report), failing_since=since, after_seconds=HEAL_SECONDS)
    return replace(report, warnings=(*report.warnings, HEALS)), again


def healing_id(report: RunReport) -> str:
    """What the trigger is called that tries a failed run again, if there is one."""
    return f"{report.run_id}-heal"


def _may_pass(report: RunReport) -> bool:
    failed = report.state is RunState.FAILED and bool(report.errors)
    return failed and all(
        error.error_class is ErrorClass.TRANSIENT and error.code != DEADLINE for error in report.errors
    )
