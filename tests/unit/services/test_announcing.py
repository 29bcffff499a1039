from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.fakes.plans import ACME, outcome_of, plan_of
from tests.fakes.telemetry import FakeTelemetry
from worker.domain.errors import ErrorClass, Failure
from worker.domain.outcome import RunState
from worker.domain.report import RunReport
from worker.domain.source import CARBON, CONNECTORS
from worker.services.announcing import file_ended, run_ended, span_of

REPORT = RunReport(
    "r1", "acme", "org-1", "aws", "2025-01", RunState.PUBLISHED, datetime(2025, 3, 7, 12, tzinfo=UTC), seconds=1.5
)
LOST = Failure(ErrorClass.FATAL, "three workers were lost", "worker_lost")


def told(report: RunReport) -> tuple[str, dict[str, object]]:
    telemetry = FakeTelemetry()
    run_ended(telemetry, report)
    [event] = telemetry.events
    return event


def test_a_published_month_is_an_ingestion_complete_in_milliseconds() -> None:
    event, fields = told(REPORT)

    assert event == "ingestion complete"
    assert (fields["run_id"], fields["total_activities"], fields["latency_ms"]) == ("r1", 0, 1500)


@pytest.mark.parametrize(
    ("connector", "event"),
    [("aws", "failed to ingest S3 CUR"), (CONNECTORS[CARBON], "failed to ingest carbon footprint")],
)
def test_a_failure_is_told_with_its_first_error_and_what_was_quarantined(connector: str, event: str) -> None:
    failed = replace(REPORT, connector=connector, state=RunState.FAILED, errors=(LOST, LOST))

    name, fields = told(failed)

    assert name == event
    assert (fields["error"], fields["error_class"]) == ("three workers were lost", "fatal")
    assert fields["quarantined"] == 2


def test_only_the_newest_months_say_when_they_succeeded() -> None:
    months = ("2024-12", "2025-01", "2025-03")

    said = [told(replace(REPORT, billing_period=month, state=RunState.UP_TO_DATE))[1] for month in months]

    assert [fields.get("succeeded_at") for fields in said] == [None, *[REPORT.at.timestamp()] * 2]


def test_a_month_that_succeeded_says_when_it_began() -> None:
    _, fields = told(replace(REPORT, billing_period="2025-03", state=RunState.UP_TO_DATE))

    assert fields["month_began_at"] == 1740787200  # 2025-03-01, midnight in UTC


def test_what_did_not_succeed_says_no_such_time() -> None:
    name, fields = told(replace(REPORT, state=RunState.SUPERSEDED))

    assert name == "run.closed"
    assert "succeeded_at" not in fields


def test_a_file_is_told_with_its_error_class_if_it_failed() -> None:
    telemetry, plan = FakeTelemetry(), plan_of("a.csv")
    good = outcome_of(plan.files[0])

    file_ended(telemetry, plan, "r1", good)
    file_ended(telemetry, plan, "r1", replace(good, failure=LOST))

    ingested, failed = telemetry.of("file.ended")
    assert (ingested["outcome"], ingested["rows"]) == ("ingested", good.balance.read.rows)
    assert "error_class" not in ingested
    assert (failed["outcome"], failed["error_class"]) == ("failed", "fatal")


def test_the_span_says_what_is_ingested() -> None:
    assert span_of(ACME) == "aws.ingest_s3_cur"
    assert span_of(replace(ACME, kind=CARBON)) == "aws.ingest_carbon_footprint"
