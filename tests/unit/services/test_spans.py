"""What a trace shows of a run: which step lies in which span, and which span an error marks."""

from __future__ import annotations

import threading
from contextvars import ContextVar

import pytest

from tests.fakes.world import FakeWorld, always, month, never
from worker.domain.errors import AuthError, TransientError
from worker.services.coordinate import coordinate
from worker.services.ingest_file import ingest_file
from worker.services.interruptible import interruptible


def test_files_are_sent_inside_the_span_of_their_manifest(fake: FakeWorld) -> None:
    fake.deliver(month())
    trigger = fake.trigger()

    inside = [
        [span.name for span in fake.telemetry.open] for _ in coordinate(fake.world, trigger, trigger.sources, never)
    ]

    [manifest] = fake.telemetry.spans_of("aws.manifest")
    assert inside == [["aws.ingest_s3_cur", "aws.manifest"]]
    assert (manifest.attributes["files"], manifest.attributes["to_ingest"]) == (1, 1)
    assert fake.telemetry.open == []


def test_a_source_that_failed_for_good_is_told_inside_its_span(fake: FakeWorld) -> None:
    fake.bucket().fail_prefix("cur/", AuthError("no", "AccessDenied"))

    fake.send()

    [span] = fake.telemetry.spans_of("aws.ingest_s3_cur")
    [told] = fake.telemetry.of("failed to ingest S3 CUR")
    assert (span.attributes["source_name"], told["error_class"]) == ("acme", "auth")


def test_a_source_that_is_tried_again_marks_its_span(fake: FakeWorld) -> None:
    fake.bucket().fail_prefix("cur/", TransientError("slow down", "SlowDown"))
    trigger = fake.trigger()

    with pytest.raises(TransientError):
        list(coordinate(fake.world, trigger, trigger.sources, always))

    assert [span.error for span in fake.telemetry.spans_of("aws.ingest_s3_cur")] == ["TransientError"]


def test_a_file_has_its_run_and_what_was_read(fake: FakeWorld) -> None:
    fake.deliver(month())
    [sent] = fake.send()

    ingest_file(fake.world, sent.run_id, sent.digests[0], "worker-1", 1, never)

    [span] = fake.telemetry.spans_of("aws.report_file")
    assert (span.attributes["run_id"], span.attributes["rows"], span.error) == (sent.run_id, 1, "")


def test_a_file_that_failed_marks_its_span(fake: FakeWorld) -> None:
    fake.deliver(month())
    [sent] = fake.send()
    fake.bucket().fail_prefix("cur/", AuthError("no", "AccessDenied"))

    ingest_file(fake.world, sent.run_id, sent.digests[0], "worker-1", 1, never)

    [span] = fake.telemetry.spans_of("aws.report_file")
    assert span.error == "AuthError"


def test_a_publication_says_how_the_run_ended(fake: FakeWorld) -> None:
    fake.deliver(month())

    [report] = fake.ingest()

    [span] = fake.telemetry.spans_of("aws.publish")
    assert (span.attributes["run_id"], span.attributes["state"]) == (report.run_id, report.state)
    assert span.attributes["rows"] == 1


def test_work_in_a_thread_of_its_own_stays_in_its_context() -> None:
    where: ContextVar[str] = ContextVar("where", default="nowhere")
    where.set("inside")

    def work(_go_on: object) -> tuple[str, bool]:
        return where.get(), threading.current_thread() is threading.main_thread()

    assert interruptible(work, lambda: None) == ("inside", False)
