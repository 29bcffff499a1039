from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.fakes.plans import ACME, NOON, balance_of, failure_of, outcome_of, plan_of, report_of
from tests.fakes.publications import published
from worker.domain.balance import Balance, Tally
from worker.domain.errors import AuthError
from worker.domain.outcome import RunState
from worker.domain.report import FileCounts, plain, warnings
from worker.services import reporting

RECORD = published(plan_of("a.csv", "b.csv"))


def test_a_month_up_to_date_reports_what_is_published_and_that_nothing_was_read() -> None:
    report = reporting.up_to_date(RECORD, 1, NOON)

    assert (report.state, report.run_id, report.requests, report.bytes_read) == (RunState.UP_TO_DATE, "run-1", 1, 0)
    assert report.files == FileCounts(total=2, unchanged=2)
    assert report.balance == RECORD.balance
    assert report.final


def test_a_published_run_reports_the_whole_month_and_what_it_read_itself() -> None:
    plan = replace(plan_of("b.csv", keep=("a.csv",)), dropped=3)
    outcomes = {file.digest: outcome_of(file) for file in plan.files[1:]}

    report = reporting.published(plan, RECORD, 7, outcomes, NOON)

    assert (report.state, report.snapshot_id, report.bytes_read) == (RunState.PUBLISHED, 7, 100)
    assert report.files == FileCounts(total=2, ingested=1, unchanged=1, dropped=3)
    assert report.balance == RECORD.balance


def test_a_run_that_ended_without_publishing_counts_its_files_and_names_every_failure() -> None:
    plan = plan_of("a.csv", "b.csv", keep=("c.csv",))
    _, good, bad = plan.files
    outcomes = {good.digest: outcome_of(good), bad.digest: outcome_of(bad, failure=failure_of(bad))}
    besides = replace(failure_of(bad), file="", message="besides")

    report = reporting.ended("run-1", plan, RunState.FAILED, outcomes, NOON, besides)

    assert report.files == FileCounts(total=3, ingested=1, unchanged=1, failed=1)
    assert (report.balance, report.bytes_read) == (balance_of(10), 200)
    assert [failure.message for failure in report.errors] == ["no", "besides"]


@pytest.mark.parametrize("period", ["2024-01", None])
def test_what_failed_before_there_was_a_run_has_attempt_zero_and_its_reason(period: str | None) -> None:
    error = AuthError("no", "AccessDenied", "grant s3:ListBucket")

    report = reporting.refused("t1", ACME, period, error, NOON)

    assert (report.state, report.billing_period) == (RunState.FAILED, period)
    assert report.run_id.endswith("-0")
    assert [failure.code for failure in report.errors] == ["AccessDenied"]


def test_reports_of_one_trigger_are_told_apart_by_source_and_month() -> None:
    error = AuthError("no")
    others = [(ACME, None), (ACME, "2024-01"), (ACME, "2024-02"), (replace(ACME, name="other"), "2024-01")]

    ids = {reporting.refused("t1", source, period, error, NOON).run_id for source, period in others}

    assert len(ids) == 4


def test_a_document_has_every_documented_field_and_amounts_as_text_with_all_their_digits() -> None:
    plan = plan_of("a.csv")
    failure = failure_of(plan.files[0])
    usage = Tally(2, Decimal("0.000000000000000001"), Decimal("12345678901234567890.50"))
    balance = Balance(read=usage, activities=usage, rejected_by_reason={"negative_usage": 1}, rounded=1)
    report = replace(report_of("run-1"), balance=balance, errors=(failure,), seconds=1.23456, warnings=("look",))

    assert report.document() == {
        "run_id": "run-1",
        "source_name": "acme",
        "org_id": "org-123",
        "connector": "aws",
        "billing_period": "2024-01",
        "state": "published",
        "version_id": "",
        "snapshot_id": None,
        "final": False,
        "files": {"total": 0, "ingested": 0, "unchanged": 0, "dropped": 0, "failed": 0},
        "rows": {"read": 2, "activities": 2, "excluded": 0, "rejected": 0},
        "excluded_by_type": {},
        "rejected_by_reason": {"negative_usage": 1},
        "usage_amount": {
            "read": "0.000000000000000001",
            "activities": "0.000000000000000001",
            "excluded": "0",
            "rejected": "0",
        },
        "cost": {
            "read": "12345678901234567890.5",
            "activities": "12345678901234567890.5",
            "excluded": "0",
            "rejected": "0",
        },
        "rounded": 1,
        "unparsable": 0,
        "warnings": ["look"],
        "requests": 0,
        "bytes_read": 0,
        "seconds": 1.235,
        "errors": [
            {
                "file": "a.csv",
                "error_class": "auth",
                "code": "AccessDenied",
                "message": "no",
                "remedy": "grant s3:GetObject",
            }
        ],
    }


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0", "0"), ("0E-18", "0"), ("1E+3", "1000"), ("1.50", "1.5"), ("-0.10", "-0.1"), ("100", "100"), ("3.34E-8", "0.0000000334")],
)  # fmt: skip
def test_an_amount_is_written_without_exponent_or_idle_zeros(amount: str, text: str) -> None:
    assert plain(Decimal(amount)) == text


def test_a_month_without_blemish_has_no_warning() -> None:
    assert warnings(balance_of(10)) == ()


def test_each_blemish_is_one_sentence() -> None:
    notes = {
        "cost_absent": 5,
        "missing_fields": 6,
        "region_unknown": 3,
        "region_zone": 9,
        "rejections_not_kept": 1,
        "tags_malformed": 4,
        "unit_unknown": 1200,
    }
    reasons = {"bad_number": 2000, "negative_usage": 1}
    balance = Balance(rejected=Tally(2001), rejected_by_reason=reasons, notes=notes)

    assert warnings(balance) == (
        "2,001 rows rejected (2,000 bad_number, 1 negative_usage)",
        "1 row rejected beyond the number that is kept to look at",
        "1,200 rows without a unit, kept with the unit `unknown`",
        "3 rows without a region, kept with the location `GLOBAL`",
        "6 rows or fewer have too few fields: what stands behind a gap is one column off",
        "4 rows with tags that are no JSON object, kept without tags",
        "5 rows without a cost: the report has no cost column",
    )
