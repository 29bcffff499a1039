from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes.ledger import FakeLedger
from tests.fakes.plans import ACME, JANUARY, outcome_of, plan_of
from tests.fakes.world import FakeWorld, never
from tests.unit.services.steps import (
    TWO_FILES,
    overwrite_data,
    ready,
    report_of_run,
)
from worker.domain.errors import ErrorClass, Failure
from worker.domain.outcome import RunState
from worker.domain.report import RunReport
from worker.domain.trigger import Trigger, successor
from worker.services.ingest_file import ingest_file
from worker.services.publish_run import MOST_SUPERSESSIONS, publish_run


def test_a_changed_manifest_supersedes_the_run_and_leaves_its_successor(fake: FakeWorld) -> None:
    run_id = ready(fake)
    fake.deliver(replace(TWO_FILES, version_id="v2"))

    again = publish_run(fake.world, run_id, never)

    assert again == successor(run_id)
    assert report_of_run(fake, run_id).state is RunState.SUPERSEDED
    assert not fake.ledger.triggers.state(successor(run_id)).planned
    assert fake.table.months == {}


def test_the_successor_plans_the_same_month_under_the_same_conditions(fake: FakeWorld) -> None:
    fake.world = replace(fake.world, max_rejected_percent=3.0)
    run_id = ready(fake)
    overwrite_data(fake, run_id)

    publish_run(fake.world, run_id, never)

    trigger = fake.ledger.triggers.get(successor(run_id))
    assert (trigger.sources, trigger.start, trigger.end) == ((ACME,), JANUARY, JANUARY.next())
    assert trigger.max_rejected_percent == 3.0


def test_a_file_changed_under_its_manifest_supersedes_the_run(fake: FakeWorld) -> None:
    run_id = ready(fake)
    overwrite_data(fake, run_id)

    again = publish_run(fake.world, run_id, never)

    assert again == successor(run_id)
    assert fake.table.months == {}


def test_a_file_gone_from_the_listing_supersedes_the_run(fake: FakeWorld) -> None:
    run_id = ready(fake)
    fake.bucket().remove(fake.ledger.plan(run_id).files[1].path)

    assert publish_run(fake.world, run_id, never) == successor(run_id)


def test_a_file_that_was_found_changed_supersedes_the_run_without_asking_aws(fake: FakeWorld) -> None:
    fake.deliver(TWO_FILES)
    [sent] = fake.send()
    overwrite_data(fake, sent.run_id)
    for digest in sent.digests:
        ingest_file(fake.world, sent.run_id, digest, "worker-1", 1, never)
    fake.bucket().calls.clear()

    again = publish_run(fake.world, sent.run_id, never)

    assert again == successor(sent.run_id)
    assert report_of_run(fake, sent.run_id).errors == ()
    assert fake.bucket().calls == {}


def test_a_file_to_keep_that_is_no_longer_published_supersedes_the_run(fake: FakeWorld) -> None:
    fake.deliver(TWO_FILES)
    fake.ingest()
    fake.deliver(replace(TWO_FILES, version_id="v2"))
    [sent] = fake.send(trigger_id="t2")
    fake.table.months.clear()

    assert publish_run(fake.world, sent.run_id, never) == successor(sent.run_id)


def test_a_delivery_that_changes_under_every_plan_fails_after_five(fake: FakeWorld) -> None:
    plan = replace(plan_of("cur/a.csv"), supersessions=MOST_SUPERSESSIONS)
    run_id, _ = fake.ledger.open(plan, "t1")
    changed = Failure(ErrorClass.TRANSIENT, "replaced", "changed", file="cur/a.csv")
    fake.ledger.record(run_id, outcome_of(plan.files[0], failure=changed))

    again = publish_run(fake.world, run_id, never)

    report = report_of_run(fake, run_id)
    assert (again, report.state) == (None, RunState.FAILED)
    assert report.errors[-1].message == "the delivery of 2024-01 changed under 5 plans in a row"
    assert successor(run_id) not in fake.ledger.triggers.known


def test_a_successor_counts_and_keeps_what_was_asked_for(fake: FakeWorld) -> None:
    plan = replace(plan_of("cur/a.csv"), supersessions=2, reconvert=True, max_rejected_percent=5.0)
    run_id, _ = fake.ledger.open(plan, "t1")
    changed = Failure(ErrorClass.TRANSIENT, "replaced", "changed", file="cur/a.csv")
    fake.ledger.record(run_id, outcome_of(plan.files[0], failure=changed))

    again = publish_run(fake.world, run_id, never)

    assert again == successor(run_id)
    asked = fake.ledger.triggers.get(again)
    assert (asked.supersessions, asked.reconvert, asked.max_rejected_percent) == (3, True, 5.0)


class Outrun(FakeLedger):
    """Another worker ends every run first."""

    def close(self, run_id: str, report: RunReport, again: Trigger | None = None) -> bool:
        super().close(run_id, report, again)
        return False


def test_a_run_that_somebody_else_ended_is_planned_again_by_them(fake: FakeWorld) -> None:
    outrun = Outrun(fake.clock)
    fake.ledger = outrun
    fake.world = replace(fake.world, ledger=outrun, leases=outrun, triggers=outrun.triggers)
    plan = plan_of("cur/a.csv")
    run_id, _ = outrun.open(plan, "t1")
    changed = Failure(ErrorClass.TRANSIENT, "replaced", "changed", file="cur/a.csv")
    outrun.record(run_id, outcome_of(plan.files[0], failure=changed))

    again = publish_run(fake.world, run_id, never)

    assert again is None


@pytest.mark.parametrize("is_complete", [False, True])
def test_a_cancelled_run_is_closed_as_cancelled_and_publishes_nothing(fake: FakeWorld, *, is_complete: bool) -> None:
    plan = plan_of("cur/a.csv")
    run_id, _ = fake.ledger.open(plan, "t1")
    if is_complete:
        fake.ledger.record(run_id, outcome_of(plan.files[0]))
    fake.ledger.cancel(run_id)

    again = publish_run(fake.world, run_id, never)

    assert (again, report_of_run(fake, run_id).state) == (None, RunState.CANCELLED)
    assert fake.table.months == {}
