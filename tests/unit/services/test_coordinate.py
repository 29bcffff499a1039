from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes.plans import ACME
from tests.fakes.world import FakeWorld, always, month, never
from worker.adapters.sample_columns import line_item
from worker.domain.errors import AuthError, TransientError
from worker.domain.outcome import RunState
from worker.domain.retry import WorthAnother
from worker.domain.source import Source
from worker.services.coordinate import coordinate
from worker.services.dispatch import Dispatch

OTHER = replace(ACME, name="other", url="s3://other-bucket/cur/")
ROW = line_item("2024-01")


def sent(fake: FakeWorld, *sources: Source, worth: WorthAnother = never) -> list[Dispatch]:
    trigger = fake.trigger(*sources)
    return list(coordinate(fake.world, trigger, trigger.sources, worth))


def test_a_run_is_in_the_ledger_before_anything_is_sent(fake: FakeWorld) -> None:
    fake.deliver(month())
    trigger = fake.trigger()

    first = next(coordinate(fake.world, trigger, trigger.sources, never))

    plan = fake.ledger.plan(first.run_id)
    assert set(first.digests) == plan.add
    assert fake.ledger.triggers.state("t1").run_ids == (first.run_id,)


def test_a_coordinator_that_dies_between_two_runs_has_opened_the_first_and_is_not_done(fake: FakeWorld) -> None:
    fake.deliver(month("2024-01"))
    fake.deliver(month("2024-02"))
    trigger = fake.trigger()
    coordinating = coordinate(fake.world, trigger, trigger.sources, never)

    next(coordinating)

    assert len(fake.ledger.runs) == 1
    assert not fake.ledger.triggers.state("t1").planned


def test_the_biggest_files_are_sent_first(fake: FakeWorld) -> None:
    rows = (ROW, line_item("2024-01", line_item_resource_id="i-" * 500), line_item("2024-01", product_region="x" * 50))
    fake.deliver(replace(month("2024-01", *rows), rows_per_file=1))

    [dispatch] = sent(fake)

    sizes = {file.digest: file.size for file in fake.ledger.plan(dispatch.run_id).files}
    in_turn = [sizes[digest] for digest in dispatch.digests]
    assert in_turn == sorted(in_turn, reverse=True)
    assert len(in_turn) == 3


def test_a_run_that_is_in_flight_is_joined_and_not_sent_again(fake: FakeWorld) -> None:
    fake.deliver(month())
    [first] = fake.send()

    again = fake.send(trigger_id="t2")

    assert again == ()
    assert fake.ledger.triggers.state("t2").run_ids == (first.run_id,)


def test_a_run_with_nothing_to_read_is_sent_to_be_published(fake: FakeWorld) -> None:
    fake.deliver(month())
    fake.ingest()

    [dispatch] = fake.send(replace(ACME, report="report"), trigger_id="t2")

    assert dispatch.digests == ()


def test_an_unchanged_month_is_said_on_the_trigger_and_sent_nowhere(fake: FakeWorld) -> None:
    fake.deliver(month())
    fake.ingest()

    again = fake.send(trigger_id="t2")

    state = fake.ledger.triggers.state("t2")
    assert again == ()
    assert [report.state for report in state.reports] == [RunState.UP_TO_DATE]
    assert state.planned


@pytest.mark.parametrize("order", [(ACME, OTHER), (OTHER, ACME)])
def test_one_source_failing_never_loses_the_other(fake: FakeWorld, order: tuple[Source, ...]) -> None:
    fake.deliver(month())
    fake.bucket(OTHER).fail_prefix("cur/", AuthError("no", "AccessDenied", "grant s3:ListBucket"))

    [dispatch] = sent(fake, *order)

    state = fake.ledger.triggers.state("t1")
    assert fake.ledger.plan(dispatch.run_id).source == ACME
    assert [(report.source_name, report.state) for report in state.reports] == [("other", RunState.FAILED)]
    assert state.planned


def test_a_source_that_failed_is_kept_and_told(fake: FakeWorld) -> None:
    fake.bucket().fail_prefix("cur/", AuthError("no", "AccessDenied", "grant s3:ListBucket"))

    sent(fake)

    [report] = fake.reports.latest()
    assert (report.state, report.billing_period) == (RunState.FAILED, None)
    assert [failure.remedy for failure in report.errors] == ["grant s3:ListBucket"]
    [told] = fake.telemetry.of("failed to ingest S3 CUR")
    assert (told["run_id"], told["error"]) == (report.run_id, "no")


@pytest.mark.parametrize("order", [(ACME, OTHER), (OTHER, ACME)])
def test_an_error_worth_another_attempt_is_raised_at_the_end(fake: FakeWorld, order: tuple[Source, ...]) -> None:
    fake.deliver(month())
    fake.bucket(OTHER).fail_first(1, TransientError("slow down"))
    trigger = fake.trigger(*order)
    dispatches: list[Dispatch] = []

    with pytest.raises(TransientError, match="slow down"):
        dispatches.extend(coordinate(fake.world, trigger, trigger.sources, always))

    assert [fake.ledger.plan(dispatch.run_id).source for dispatch in dispatches] == [ACME]
    assert fake.ledger.triggers.state("t1").reports == ()
    assert not fake.ledger.triggers.state("t1").planned


def test_the_next_attempt_plans_what_was_missed_and_repeats_nothing(fake: FakeWorld) -> None:
    fake.deliver(month())
    fake.deliver(month(), OTHER)
    fake.bucket(OTHER).fail_first(1, TransientError("slow down"))
    with pytest.raises(TransientError):
        sent(fake, ACME, OTHER, worth=always)

    [dispatch] = sent(fake, ACME, OTHER, worth=always)

    assert fake.ledger.plan(dispatch.run_id).source == OTHER
    assert fake.ledger.triggers.state("t1").planned


def test_an_opened_run_is_told_with_what_it_has_to_do(fake: FakeWorld) -> None:
    fake.deliver(replace(month("2024-01", ROW, ROW), rows_per_file=1))

    [dispatch] = sent(fake)

    assert fake.telemetry.of("run.opened") == [{"run_id": dispatch.run_id, "files": 2, "to_ingest": 2}]


def test_a_month_that_is_found_up_to_date_replaces_the_failure_that_was_kept(fake: FakeWorld) -> None:
    delivery = fake.deliver(month())
    fake.ingest()
    body = fake.bucket().objects[delivery.manifests[-1]].body
    fake.bucket().put(delivery.manifests[-1], b"{")
    fake.ingest(trigger_id="t2")
    fake.bucket().put(delivery.manifests[-1], body)

    fake.ingest(trigger_id="t3")

    assert [report.state for report in fake.reports.latest()] == [RunState.UP_TO_DATE]
