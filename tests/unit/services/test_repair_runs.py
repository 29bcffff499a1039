from __future__ import annotations

from tests.fakes.plans import outcome_of, plan_of
from tests.fakes.world import FakeWorld
from tests.unit.services.steps import ready, report_of_run
from worker.domain.errors import ErrorClass
from worker.domain.outcome import RunState
from worker.domain.trigger import Trigger
from worker.services.dispatch import Dispatch
from worker.services.repair_runs import repair_runs

HOUR = 3600.0


def test_a_run_in_good_health_is_left_alone(fake: FakeWorld) -> None:
    fake.ledger.open(plan_of("a.csv"), "t1")

    assert repair_runs(fake.world, files_queue_is_empty=True) == ((), ())


def test_files_that_nobody_took_are_sent_again_under_a_new_generation(fake: FakeWorld) -> None:
    plan = plan_of("a.csv", "b.csv")
    run_id, _ = fake.ledger.open(plan, "t1")
    fake.ledger.record(run_id, outcome_of(plan.files[0]))
    fake.clock.advance(fake.repairer.patience.stale_seconds)

    dispatches, _ = repair_runs(fake.world, files_queue_is_empty=True)

    assert dispatches == (Dispatch(run_id, (plan.files[1].digest,), generation=1),)
    assert fake.telemetry.of("run.repaired") == [{"run_id": run_id, "files": 1, "generation": 1}]


def test_a_complete_run_that_nobody_published_is_sent_to_be_published(fake: FakeWorld) -> None:
    run_id = ready(fake)
    fake.clock.advance(fake.repairer.patience.publish_after_seconds)

    dispatches, _ = repair_runs(fake.world, files_queue_is_empty=True)

    assert dispatches == (Dispatch(run_id),)


def test_a_quarantined_file_sends_nothing(fake: FakeWorld) -> None:
    plan = plan_of("a.csv")
    run_id, _ = fake.ledger.open(plan, "t1")
    fake.ledger.claim(run_id, plan.files[0].digest, "worker-1")
    fake.ledger.runs[run_id].losses[plan.files[0].digest] = 2
    fake.clock.advance(fake.repairer.patience.lease_seconds)

    dispatches, _ = repair_runs(fake.world, files_queue_is_empty=True)

    assert dispatches == ()
    assert [outcome.failure is not None for outcome in fake.ledger.outcomes(run_id).values()] == [True]


def test_a_run_past_its_deadline_fails_naming_each_file_that_was_not_done(fake: FakeWorld) -> None:
    plan = plan_of("a.csv", "b.csv", keep=("c.csv",))
    run_id, _ = fake.ledger.open(plan, "t1")
    fake.ledger.record(run_id, outcome_of(plan.files[1]))
    fake.clock.advance(6 * HOUR)

    dispatches, _ = repair_runs(fake.world, files_queue_is_empty=True)

    report = report_of_run(fake, run_id)
    assert dispatches == ()
    assert (report.state, report.seconds) == (RunState.FAILED, 6 * HOUR)
    assert [(each.file, each.code, each.error_class) for each in report.errors] == [
        ("b.csv", "deadline", ErrorClass.TRANSIENT)
    ]
    assert fake.reports.latest() == (report,)


def test_a_run_past_its_deadline_with_every_file_done_says_that_it_was_not_published(fake: FakeWorld) -> None:
    run_id = ready(fake)
    fake.clock.advance(6 * HOUR)

    repair_runs(fake.world, files_queue_is_empty=True)

    [failure] = report_of_run(fake, run_id).errors
    assert (failure.code, failure.message) == ("deadline", "the run was not published before its deadline")


def test_a_trigger_whose_coordinator_was_lost_is_sent_again(fake: FakeWorld) -> None:
    fake.ledger.triggers.open(Trigger("t1"))
    fake.clock.advance(fake.repairer.patience.stale_seconds)

    _, triggers = repair_runs(fake.world, files_queue_is_empty=True)

    assert triggers == ("t1",)


def test_a_run_is_repaired_once(fake: FakeWorld) -> None:
    fake.ledger.open(plan_of("a.csv"), "t1")
    fake.clock.advance(fake.repairer.patience.stale_seconds)

    first, _ = repair_runs(fake.world, files_queue_is_empty=True)
    second, _ = repair_runs(fake.world, files_queue_is_empty=True)

    assert (len(first), second) == (1, ())
