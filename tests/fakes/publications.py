"""Publications decided over tables that hold nothing, or what an earlier one left."""

from __future__ import annotations

from collections.abc import Iterable

from tests.fakes.plans import NOON, outcome_of
from worker.domain.outcome import FileOutcome
from worker.domain.plan import RunPlan
from worker.domain.publication import Held, Publication, PublicationRecord, publication

EMPTY = Held(record=None, uri=None, parts={})


def decide(plan: RunPlan, outcomes: Iterable[FileOutcome], table: Held = EMPTY) -> Publication:
    """The commit that a run with these outcomes makes."""
    return publication(plan, "run-1", {outcome.digest: outcome for outcome in outcomes}, table, NOON)


def published(plan: RunPlan) -> PublicationRecord:
    """The record of a plan whose every file was converted, on an empty table."""
    return decide(plan, (outcome_of(file) for file in plan.files)).record


def held(record: PublicationRecord) -> Held:
    """The slot after this record was published."""
    return Held(record, "records/previous.json", {each.digest: each.part for each in record.files if each.part})
