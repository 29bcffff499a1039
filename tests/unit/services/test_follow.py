from __future__ import annotations

from dataclasses import replace

from tests.fakes.plans import ACME, outcome_of, plan_of, report_of
from tests.fakes.world import FakeWorld, month, never
from tests.unit.services.steps import TWO_FILES, overwrite_data, ready
from worker.domain.outcome import RunState
from worker.services.follow import look
from worker.services.publish_run import publish_run

OTHER = replace(ACME, name="other", url="s3://other-bucket/cur/")


def test_a_trigger_that_nobody_planned_yet_has_not_ended(fake: FakeWorld) -> None:
    fake.trigger()

    standing = look(fake.ledger.triggers, fake.ledger, "t1")

    assert (standing.ended, standing.running, standing.reports) == (False, (), ())


def test_a_run_in_flight_shows_how_far_it_is(fake: FakeWorld) -> None:
    plan = plan_of("a.csv", "b.csv")
    fake.trigger()
    run_id, _ = fake.ledger.open(plan, "t1")
    fake.ledger.record(run_id, outcome_of(plan.files[0]))
    fake.ledger.triggers.planned("t1")

    standing = look(fake.ledger.triggers, fake.ledger, "t1")

    assert not standing.ended
    assert [(each.run_id, each.done, each.total) for each in standing.running] == [(run_id, 1, 2)]


def test_a_trigger_whose_runs_have_all_ended_has_ended(fake: FakeWorld) -> None:
    fake.deliver(month("2024-01"))
    fake.deliver(month("2024-02"))
    fake.ingest()

    standing = look(fake.ledger.triggers, fake.ledger, "t1")

    assert standing.ended
    assert [(each.billing_period, each.state) for each in standing.reports] == [
        ("2024-01", RunState.PUBLISHED),
        ("2024-02", RunState.PUBLISHED),
    ]


def test_a_trigger_that_is_still_being_planned_has_not_ended_though_its_runs_have(fake: FakeWorld) -> None:
    fake.trigger()
    run_id, _ = fake.ledger.open(plan_of("a.csv"), "t1")
    fake.ledger.close(run_id, report_of(run_id))

    standing = look(fake.ledger.triggers, fake.ledger, "t1")

    assert (standing.ended, len(standing.reports)) == (False, 1)


def test_what_needed_no_run_is_among_the_reports(fake: FakeWorld) -> None:
    fake.deliver(month())
    fake.bucket(OTHER).put("cur/nothing", b"")

    fake.ingest(ACME, OTHER)

    states = {each.source_name: each.state for each in look(fake.ledger.triggers, fake.ledger, "t1").reports}
    assert states == {"acme": RunState.PUBLISHED, "other": RunState.FAILED}


def test_a_superseded_run_is_followed_to_its_successor(fake: FakeWorld) -> None:
    run_id = ready(fake)
    fake.deliver(replace(TWO_FILES, version_id="v2"))

    again = publish_run(fake.world, run_id, never)
    before = look(fake.ledger.triggers, fake.ledger, "t1")
    assert again is not None
    fake.plan_and_work(fake.ledger.triggers.get(again))
    after = look(fake.ledger.triggers, fake.ledger, "t1")

    assert (before.ended, [each.state for each in before.reports]) == (False, [RunState.SUPERSEDED])
    assert (after.ended, [each.state for each in after.reports]) == (True, [RunState.SUPERSEDED, RunState.PUBLISHED])


def test_a_successors_run_in_flight_is_shown(fake: FakeWorld) -> None:
    run_id = ready(fake)
    overwrite_data(fake, run_id)
    again = publish_run(fake.world, run_id, never)
    assert again is not None

    [sent] = fake.send(trigger_id=again)

    assert [each.run_id for each in look(fake.ledger.triggers, fake.ledger, "t1").running] == [sent.run_id]


def test_a_successor_that_is_no_longer_kept_is_not_waited_for(fake: FakeWorld) -> None:
    fake.trigger()
    run_id, _ = fake.ledger.open(plan_of("a.csv"), "t1")
    fake.ledger.close(run_id, report_of(run_id, RunState.SUPERSEDED))
    fake.ledger.triggers.planned("t1")

    assert look(fake.ledger.triggers, fake.ledger, "t1").ended
