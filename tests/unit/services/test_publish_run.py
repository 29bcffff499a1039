from __future__ import annotations

import pytest

from tests.fakes.plans import ACME, JANUARY, failure_of, outcome_of, plan_of, report_of
from tests.fakes.report_store import FakeReportStore
from tests.fakes.world import FakeWorld, always, never
from tests.unit.services.steps import (
    TWO_FILES,
    ready,
    report_of_run,
)
from worker.domain.errors import AuthError, TransientError
from worker.domain.outcome import RunState
from worker.domain.plan import Slot
from worker.domain.report import FileCounts
from worker.domain.source import CUR
from worker.services.ingest_file import ingest_file
from worker.services.publish_run import publish_run

SLOT = Slot("org-123", "acme", CUR, JANUARY)


def test_a_complete_run_becomes_the_month(fake: FakeWorld) -> None:
    run_id = ready(fake)

    again = publish_run(fake.world, run_id, never)

    report, record = report_of_run(fake, run_id), fake.table.current(SLOT)
    assert again is None
    assert record is not None
    assert (record.run_id, len(record.files), record.version_id) == (run_id, 2, "v1")
    assert (report.state, report.snapshot_id, report.files) == (RunState.PUBLISHED, 1, FileCounts(2, 2))
    assert (report.balance.activities.rows, report.bytes_read) == (2, sum(file.size for file in record.files))
    assert fake.reports.latest() == (report,)


def test_a_published_run_has_counted_every_request(fake: FakeWorld) -> None:
    run_id = ready(fake)
    fake.clock.advance(90)

    publish_run(fake.world, run_id, never)

    report = report_of_run(fake, run_id)
    assert (report.requests, report.seconds) == (fake.bucket().requests, 90.0)


def test_a_published_run_is_told(fake: FakeWorld) -> None:
    run_id = ready(fake)

    publish_run(fake.world, run_id, never)

    [told] = fake.telemetry.of("ingestion complete")
    assert (told["run_id"], told["state"], told["total_activities"]) == (run_id, "published", 2)


def test_an_incomplete_run_is_left_alone(fake: FakeWorld) -> None:
    fake.deliver(TWO_FILES)
    [sent] = fake.send()
    ingest_file(fake.world, sent.run_id, sent.digests[0], "worker-1", 1, never)

    publish_run(fake.world, sent.run_id, never)

    assert fake.ledger.progress(sent.run_id).state is RunState.RUNNING
    assert fake.table.months == {}


def test_a_run_that_has_ended_is_left_alone(fake: FakeWorld) -> None:
    run_id = ready(fake)
    fake.ledger.close(run_id, report_of(run_id, RunState.CANCELLED))

    publish_run(fake.world, run_id, never)

    assert report_of_run(fake, run_id).state is RunState.CANCELLED
    assert fake.table.months == {}


def test_a_run_published_twice_is_published_once(fake: FakeWorld) -> None:
    run_id = ready(fake)

    publish_run(fake.world, run_id, never)
    publish_run(fake.world, run_id, never)

    assert fake.table.snapshots == {"org-123": 1}


def test_a_publisher_that_died_after_its_commit_is_finished_by_the_next_without_another(fake: FakeWorld) -> None:
    run_id = ready(fake)
    publish_run(fake.world, run_id, never)
    run = fake.ledger.runs[run_id]
    run.state, run.report = RunState.RUNNING, None

    publish_run(fake.world, run_id, never)

    assert report_of_run(fake, run_id).state is RunState.PUBLISHED
    assert fake.table.snapshots == {"org-123": 1}


def test_a_failed_file_closes_the_run_naming_file_and_remedy_and_publishes_nothing(fake: FakeWorld) -> None:
    plan = plan_of("cur/a.csv", "cur/b.csv")
    good, bad = plan.files
    run_id, _ = fake.ledger.open(plan, "t1")
    fake.ledger.record(run_id, outcome_of(good))
    fake.ledger.record(run_id, outcome_of(bad, failure=failure_of(bad)))

    publish_run(fake.world, run_id, never)

    report = report_of_run(fake, run_id)
    assert (report.state, report.files) == (RunState.FAILED, FileCounts(2, 1, 0, 0, 1))
    assert [(each.file, each.remedy) for each in report.errors] == [("cur/b.csv", "grant s3:GetObject")]
    assert fake.table.months == {}
    assert fake.reports.latest() == (report,)


def test_an_error_worth_another_attempt_is_raised_and_the_run_goes_on(fake: FakeWorld) -> None:
    run_id = ready(fake)
    spent = fake.ledger.progress(run_id).requests
    fake.bucket().fail_first(1, TransientError("slow down"))

    with pytest.raises(TransientError, match="slow down"):
        publish_run(fake.world, run_id, always)

    progress = fake.ledger.progress(run_id)
    assert (progress.state, progress.requests) == (RunState.RUNNING, spent + 1)


def test_any_other_error_closes_the_run_with_its_remedy(fake: FakeWorld) -> None:
    run_id = ready(fake)
    fake.bucket().fail_prefix("cur/", AuthError("no", "AccessDenied", "grant s3:GetObject"))

    publish_run(fake.world, run_id, always)

    report = report_of_run(fake, run_id)
    assert (report.state, [each.remedy for each in report.errors]) == (RunState.FAILED, ["grant s3:GetObject"])
    [told] = fake.telemetry.of("failed to ingest S3 CUR")
    assert (told["run_id"], told["error_class"]) == (run_id, "auth")


class Racing(FakeReportStore):
    """Another publisher closes the run while this one asks for the manifest."""

    def __init__(self, fake: FakeWorld) -> None:
        super().__init__("cur/", "cur-bucket")
        self.ledger = fake.ledger
        self.races = False

    def read_manifest(self, key: str, if_none_match: str | None = None) -> tuple[bytes, str] | None:
        if self.races:
            for run_id in self.ledger.runs:
                self.ledger.close(run_id, report_of(run_id, RunState.CANCELLED))
            return b"", "another"
        return super().read_manifest(key, if_none_match)


def test_of_two_publishers_the_first_to_close_the_run_is_heard(fake: FakeWorld) -> None:
    racing = Racing(fake)
    fake.buckets[ACME.url] = racing
    run_id = ready(fake)
    racing.races = True

    again = publish_run(fake.world, run_id, never)

    assert again is None
    assert report_of_run(fake, run_id).state is RunState.CANCELLED
    assert fake.reports.latest() == ()
