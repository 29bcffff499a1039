from __future__ import annotations

from tests.fakes.plans import ACME
from tests.fakes.world import FakeWorld, never
from tests.unit.services.steps import ROW, ready, report_of_run, sent
from worker.domain.outcome import RunState
from worker.domain.plan import Slot
from worker.domain.publication import PublicationRecord
from worker.domain.trigger import successor
from worker.services.ingest_file import ingest_file
from worker.services.publish_run import publish_run

BAD_ROW = ROW | {"line_item_usage_amount": "many"}


def published(fake: FakeWorld) -> PublicationRecord:
    [record] = fake.table.records()
    return record


def test_a_part_that_vanished_supersedes_the_run_and_publishes_nothing(fake: FakeWorld) -> None:
    run_id = ready(fake)
    fake.parts.vanish(fake.ledger.plan(run_id).files[0].digest)

    again = publish_run(fake.world, run_id, never)

    assert again == successor(run_id)
    assert report_of_run(fake, run_id).state is RunState.SUPERSEDED
    assert fake.table.months == {}


def test_the_run_that_follows_converts_the_vanished_file_again_and_reuses_the_other(fake: FakeWorld) -> None:
    run_id = ready(fake)
    vanished, other = fake.ledger.plan(run_id).files
    fake.parts.vanish(vanished.digest)
    again = publish_run(fake.world, run_id, never)
    fake.bucket().calls.clear()

    fake.plan_and_work(fake.ledger.triggers.get(str(again)))

    converted_by = {file.digest: file.run_id for file in published(fake).files}
    assert converted_by == {vanished.digest: published(fake).run_id, other.digest: run_id}
    assert published(fake).run_id != run_id
    assert fake.bucket().calls["fetch"] == 1
    assert vanished.digest in fake.parts.activities


def test_rejections_that_vanished_are_written_again_too(fake: FakeWorld) -> None:
    dispatch = sent(fake, ROW, BAD_ROW)
    for digest in dispatch.digests:
        ingest_file(fake.world, dispatch.run_id, digest, "worker-1", 1, never)
    [rejected] = fake.parts.rejections
    del fake.parts.rejections[rejected]

    again = publish_run(fake.world, dispatch.run_id, never)
    fake.plan_and_work(fake.ledger.triggers.get(str(again)))

    assert rejected in fake.parts.rejections
    assert published(fake).balance.rejected.rows == 1


def test_a_run_that_is_published_already_is_not_asked_for_its_parts(fake: FakeWorld) -> None:
    run_id = ready(fake)
    publish_run(fake.world, run_id, never)
    fake.ledger.runs[run_id].state = RunState.RUNNING
    fake.parts.vanish(fake.ledger.plan(run_id).files[0].digest)

    assert publish_run(fake.world, run_id, never) is None

    assert report_of_run(fake, run_id).state is RunState.PUBLISHED


def test_a_forgotten_month_is_published_again_from_its_parts(fake: FakeWorld) -> None:
    run_id = ready(fake)
    publish_run(fake.world, run_id, never)
    slot = Slot(ACME.org_id, ACME.name, "aws_cur", published(fake).slot.period)
    fake.table.forget(slot, fake.clock.now())
    fake.bucket().calls.clear()

    [report] = fake.ingest(trigger_id="t2")

    assert report.state is RunState.PUBLISHED
    assert report.run_id != run_id
    assert fake.bucket().calls["fetch"] == 0
    assert {file.run_id for file in published(fake).files} == {run_id}
