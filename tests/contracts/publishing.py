"""What the suites about the activity table share: publications decided as a run decides them, without files behind them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.fakes.plans import NOON, outcome_of
from worker.domain.errors import ChangedError
from worker.domain.outcome import FileOutcome
from worker.domain.plan import RunPlan
from worker.domain.publication import Held, Publication, publication
from worker.ports.table import ActivityTable

Decide = Callable[[Held], Publication | None]


def with_part(outcome: FileOutcome, plan: RunPlan) -> FileOutcome:
    """An outcome whose part is described well enough for a table to list it; there is no file behind it."""
    uri = f"file:///nowhere/{outcome.digest}.parquet"
    described = {
        "file_path": uri,
        "file_size_in_bytes": 1,
        "record_count": outcome.balance.activities.rows,
        "partition": [plan.slot.source_name, plan.slot.source, str(plan.slot.period)],
        "value_counts": {},
        "null_value_counts": {},
        "lower_bounds": {},
        "upper_bounds": {},
    }
    return replace(outcome, part=uri, data_file=json.dumps(described))


def publishing(plan: RunPlan, run_id: str = "run-1") -> Decide:
    """Decide to make the plan's files the month, each with ten activities."""
    outcomes = {
        file.digest: with_part(outcome_of(file, run_id), plan) for file in plan.files if file.digest in plan.add
    }
    return lambda held: publication(plan, run_id, outcomes, held, NOON)


def held_by(table: ActivityTable, plan: RunPlan) -> Held:
    """What a publication of the plan's slot would be decided on."""
    seen: list[Held] = []

    def look(held: Held) -> None:
        seen.append(held)
        raise ChangedError("only looking")

    with pytest.raises(ChangedError):
        table.publish(plan.slot, look)
    return seen[0]
