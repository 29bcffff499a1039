from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.plans import ACME, JANUARY, NOON, outcome_of, plan_of, report_of
from tests.fakes.world import FakeWorld, month, never
from tests.unit.services.steps import TWO_FILES, ready, report_of_run
from worker.domain.errors import AuthError, ErrorClass, Failure, TransientError
from worker.domain.outcome import RunState
from worker.domain.report import RunReport
from worker.domain.trigger import Trigger
from worker.services.coordinate import coordinate
from worker.services.plan_again import HEAL_SECONDS, HEALS, healing, same_month
from worker.services.publish_run import publish_run
from worker.services.repair_runs import repair_runs
from worker.services.use_cases import UseCases

SLOW_DOWN = TransientError("slow down", "SlowDown")
THROTTLED = Failure(ErrorClass.TRANSIENT, "slow down", "SlowDown", file="a.csv")
DENIED = Failure(ErrorClass.AUTH, "no", "AccessDenied", file="b.csv")
LATE = Failure(ErrorClass.TRANSIENT, "not done", "deadline", file="b.csv")
ASKED = Trigger("t1", sources=(ACME,), start=JANUARY, end=JANUARY.next(), max_rejected_percent=5.0)


def failed(*failures: Failure) -> RunReport:
    return replace(report_of("run-1", RunState.FAILED), errors=failures)


def throttled_run(fake: FakeWorld) -> str:
    """A run of two files, ended: the bucket throttled the first of them, and has recovered since."""
    files = fake.deliver(TWO_FILES).files
    fake.bucket().fail_key(files[0], SLOW_DOWN)
    fake.ingest()
    fake.bucket()._failures.clear()
    fake.bucket().calls.clear()
    [run_id] = fake.ledger.runs
    return run_id


def come_due(fake: FakeWorld) -> tuple[str, ...]:
    fake.clock.advance(HEAL_SECONDS)
    return repair_runs(fake.world, files_queue_is_empty=True)[1]


def test_what_failed_by_transient_errors_alone_is_asked_for_again_in_five_minutes(fake: FakeWorld) -> None:
    report, again = healing(fake.world, failed(THROTTLED, THROTTLED), ASKED)

    assert again == replace(ASKED, trigger_id="run-1-heal", failing_since=NOON, after_seconds=300.0)
    assert report.warnings == (HEALS,)


@pytest.mark.parametrize(
    "report",
    [
        failed(THROTTLED, DENIED),
        failed(THROTTLED, LATE),
        failed(),
        report_of("run-1"),
        report_of("", RunState.CANCELLED),
    ],
)
def test_nothing_else_is(fake: FakeWorld, report: RunReport) -> None:
    assert healing(fake.world, report, ASKED) == (report, None)


def test_what_has_failed_for_as_long_as_a_run_may_last_is_left_failed(fake: FakeWorld) -> None:
    long_ago = replace(ASKED, failing_since=NOON - fake.world.run_deadline)
    almost = replace(ASKED, failing_since=NOON - fake.world.run_deadline + timedelta(seconds=1))

    heals = [healing(fake.world, failed(THROTTLED), asked)[1] for asked in (long_ago, almost)]

    assert heals == [None, replace(almost, trigger_id="run-1-heal", after_seconds=300.0)]


def test_a_throttled_run_heals_with_nobody_asking_and_reads_only_what_failed(fake: FakeWorld) -> None:
    before = report_of_run(fake, throttled_run(fake))

    [again] = come_due(fake)
    fake.plan_and_work(fake.ledger.triggers.get(again))

    [_, healed] = fake.ledger.runs
    assert (before.state, before.warnings) == (RunState.FAILED, (HEALS,))
    assert report_of_run(fake, healed).state is RunState.PUBLISHED
    assert fake.bucket().calls["fetch"] == 1


def test_the_first_failure_is_remembered_from_run_to_run(fake: FakeWorld) -> None:
    first = fake.clock.now() - timedelta(hours=1)
    plan = replace(plan_of("a.csv"), failing_since=first)
    run_id, _ = fake.ledger.open(plan, "t1")
    fake.ledger.record(run_id, outcome_of(plan.files[0], failure=THROTTLED))

    publish_run(fake.world, run_id, never)

    assert fake.ledger.triggers.get(f"{run_id}-heal").failing_since == first


def test_a_plan_carries_what_its_trigger_says(fake: FakeWorld) -> None:
    fake.deliver(month())
    trigger = replace(ASKED, failing_since=NOON)
    fake.ledger.triggers.open(trigger)

    [sent] = coordinate(fake.world, trigger, trigger.sources, never)

    assert fake.ledger.plan(sent.run_id).failing_since == NOON


def test_a_bucket_that_could_not_be_listed_is_looked_at_again(fake: FakeWorld) -> None:
    fake.deliver(month())
    fake.bucket().fail_first(1, SLOW_DOWN)

    [before] = fake.ingest()
    [again] = come_due(fake)
    fake.plan_and_work(fake.ledger.triggers.get(again))

    [run_id] = fake.ledger.runs
    assert (before.billing_period, before.warnings) == (None, (HEALS,))
    assert report_of_run(fake, run_id).state is RunState.PUBLISHED


def test_a_bucket_that_may_not_be_listed_is_not(fake: FakeWorld) -> None:
    fake.deliver(month())
    fake.bucket().fail_first(1, AuthError("no", "AccessDenied"))

    fake.ingest()

    assert come_due(fake) == ()


def test_a_delivery_under_way_is_looked_at_again_as_that_month_alone(fake: FakeWorld) -> None:
    fake.deliver(TWO_FILES)
    data = next(key for key in fake.bucket().objects if key.endswith(".csv.gz"))
    fake.bucket().put(data, b"new", fake.clock.now())

    [before] = fake.ingest()
    [again] = come_due(fake)

    assert before.errors[0].code == "delivery_under_way"
    asked = fake.ledger.triggers.get(again)
    assert (asked.sources, asked.start, asked.end) == ((ACME,), JANUARY, JANUARY.next())


def test_the_same_month_is_asked_for_under_the_same_conditions() -> None:
    plan = replace(plan_of("a.csv"), reconvert=True, max_rejected_percent=5.0, failing_since=NOON)

    assert same_month(plan, "t2") == replace(ASKED, trigger_id="t2", reconvert=True, failing_since=NOON)


def test_a_trigger_that_was_planned_is_left_alone(fake: FakeWorld) -> None:
    ready(fake)
    fake.bucket().calls.clear()

    again = list(UseCases(fake.world, lambda _names: (ACME,)).coordinate("t1", never))

    assert again == []
    assert not fake.bucket().calls
