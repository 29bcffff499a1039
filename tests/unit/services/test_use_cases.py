from __future__ import annotations

from dataclasses import replace

from tests.fakes.plans import ACME, outcome_of, plan_of
from tests.fakes.world import FakeWorld, month, never
from tests.unit.services.steps import ready, report_of_run
from worker.domain.errors import AuthError, ErrorClass, FatalError
from worker.domain.outcome import RunState
from worker.domain.source import Source
from worker.domain.trigger import Trigger
from worker.services.use_cases import UseCases

OTHER = replace(ACME, name="other", url="s3://other-bucket/cur/")
OUT_OF_TIME = FatalError("the task took longer than its time limit", "time_limit", "look at the file")


def configured(names: tuple[str, ...]) -> tuple[Source, ...]:
    return tuple(source for source in (ACME, OTHER) if not names or source.name in names)


def use_cases(fake: FakeWorld) -> UseCases:
    return UseCases(fake.world, configured)


def test_a_trigger_is_kept_until_it_is_planned(fake: FakeWorld) -> None:
    trigger_id = use_cases(fake).open_trigger(Trigger("t1", names=("acme",)))

    assert fake.ledger.triggers.get(trigger_id).names == ("acme",)


def test_a_trigger_by_name_plans_the_sources_of_the_configuration(fake: FakeWorld) -> None:
    fake.deliver(month())
    fake.deliver(month(), OTHER)
    fake.ledger.triggers.open(Trigger("t1", names=("other",)))

    [sent] = use_cases(fake).coordinate("t1", never)

    assert fake.ledger.plan(sent.run_id).source == OTHER


def test_a_trigger_that_brings_its_source_along_needs_no_configuration(fake: FakeWorld) -> None:
    visitor = replace(ACME, name="visitor", url="s3://visitors/cur/")
    fake.deliver(month(), visitor)
    fake.ledger.triggers.open(Trigger("t1", sources=(visitor,)))

    [sent] = use_cases(fake).coordinate("t1", never)

    assert fake.ledger.plan(sent.run_id).source == visitor


def test_a_trigger_that_cannot_be_planned_says_so_for_each_source(fake: FakeWorld) -> None:
    fake.trigger(ACME, OTHER)

    use_cases(fake).fail_trigger("t1", OUT_OF_TIME)

    state = fake.ledger.triggers.state("t1")
    assert state.planned
    assert [(report.source_name, report.errors[0].code) for report in state.reports] == [
        ("acme", "time_limit"),
        ("other", "time_limit"),
    ]


def test_a_trigger_whose_configuration_cannot_be_read_fails_under_the_names_it_gave(fake: FakeWorld) -> None:
    fake.ledger.triggers.open(Trigger("t1", names=("acme", "other")))
    fake.ledger.triggers.open(Trigger("t2"))

    for trigger_id in ("t1", "t2"):
        use_cases(fake).fail_trigger(trigger_id, AuthError("no"))

    reports = [report for each in ("t1", "t2") for report in fake.ledger.triggers.state(each).reports]
    assert [report.source_name for report in reports] == ["acme, other", "all sources"]


def test_a_file_is_ingested_and_its_run_published(fake: FakeWorld) -> None:
    fake.deliver(month())
    [sent] = fake.send()
    cases = use_cases(fake)

    cases.ingest_file(sent.run_id, sent.digests[0], "worker-1", 1, never)
    again = cases.publish_run(sent.run_id, never)

    assert again is None
    assert report_of_run(fake, sent.run_id).state is RunState.PUBLISHED


def test_a_file_that_is_given_up_has_its_failure_for_an_outcome(fake: FakeWorld) -> None:
    plan = plan_of("a.csv")
    run_id, _ = fake.ledger.open(plan, "t1")

    use_cases(fake).fail_file(run_id, plan.files[0].digest, OUT_OF_TIME)

    [outcome] = fake.ledger.outcomes(run_id).values()
    assert outcome.failure is not None
    assert (outcome.failure.file, outcome.failure.error_class) == ("a.csv", ErrorClass.FATAL)


def test_a_file_that_is_given_up_after_it_was_done_stays_done(fake: FakeWorld) -> None:
    plan = plan_of("a.csv")
    run_id, _ = fake.ledger.open(plan, "t1")
    fake.ledger.record(run_id, outcome_of(plan.files[0]))

    use_cases(fake).fail_file(run_id, plan.files[0].digest, OUT_OF_TIME)

    [outcome] = fake.ledger.outcomes(run_id).values()
    assert outcome.failure is None


def test_a_run_that_is_given_up_is_closed_as_failed(fake: FakeWorld) -> None:
    run_id = ready(fake)

    use_cases(fake).fail_run(run_id, OUT_OF_TIME)

    report = report_of_run(fake, run_id)
    assert (report.state, [failure.code for failure in report.errors]) == (RunState.FAILED, ["time_limit"])


def test_the_watchdogs_look_is_the_repair_of_runs(fake: FakeWorld) -> None:
    run_id = ready(fake)
    fake.clock.advance(fake.repairer.patience.publish_after_seconds)

    dispatches, triggers = use_cases(fake).repair_runs(files_queue_is_empty=True)

    assert ([sent.run_id for sent in dispatches], triggers) == ([run_id], ())
